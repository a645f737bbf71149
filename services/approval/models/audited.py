"""What of the approvals stands under the audit's seal (shared/audit). New tables are added at the end; what a seal covers of one never changes."""

from shared.audit.models import DOWNLOADS, EVENT_LOG, EXPORTS, GIVEN_UP, Audited

AUDITED = (
    EVENT_LOG,
    DOWNLOADS,
    Audited(
        "entries",
        "concat(application_id, '/', sequence)",
        ("kind", "at", "actor", "role", "on_behalf_of", "update_id", "request_hash", "step", "text", "reason_codes", "state_after"),
    ),
    Audited("seal_register", "document_id", ("sha256", "operator", "on_behalf_of", "reason", "released_at")),
    Audited("filing_ledger", "document_id", ("document_no", "sha256", "signer", "sealed_at", "filed_at")),
    Audited("attachments", "id", ("application_id", "revision", "name", "size", "sha256", "brought_by", "brought_at")),
    Audited("attachment_removals", "id", ("removed_at", "kept_days")),
    EXPORTS,
    GIVEN_UP,
)

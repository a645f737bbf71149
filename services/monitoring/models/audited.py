"""What of the monitoring stands under the audit's seal (shared/audit). New tables are added at the end; what a seal covers of one never changes."""

from shared.audit.models import DOWNLOADS, EVENT_LOG, EXPORTS, GIVEN_UP, Audited

AUDITED = (
    EVENT_LOG,
    DOWNLOADS,
    Audited(
        "parameters", "concat(rule, '/', name, '/', version)", ("value", "effective_on", "source", "owner", "recorded_at", "recorded_by")
    ),
    Audited(
        "issue_entries",
        "concat(issue_id, '/', round, '/', sequence)",
        ("act", "state", "at", "actor", "role", "reason", "document_no", "details"),
    ),
    Audited("freeze_entries", "concat(order_id, '/', sequence)", ("act", "state", "at", "actor", "role", "reason", "document_no")),
    Audited("evidence_files", "id", ("issue_id", "round", "name", "media_type", "size", "sha256", "brought_by", "brought_at")),
    Audited("evidence_removals", "id", ("removed_at", "kept_days")),
    EXPORTS,
    Audited("seal_register", "concat(deed, '/', document_id)", ("unit_id", "number", "actor", "reason", "at")),
    Audited(
        "measures",
        "id",
        ("issue_id", "round", "measure", "taken_on", "whom", "led_by", "document_no", "summary", "recorded_by", "recorded_at"),
    ),
    GIVEN_UP,
    Audited("measure_corrections", "measure_id", ("instead_id", "reason", "corrected_by", "corrected_at")),
)

"""What of the accounts stands under the audit's seal (shared/audit). New tables are added at the end; what a seal covers of one never changes."""

from shared.audit.models import DOWNLOADS, EVENT_LOG, EXPORTS, GIVEN_UP, Audited

AUDITED = (
    EVENT_LOG,
    Audited("grants", "id", ("user_id", "role", "unit_ids", "granted_by", "granted_at")),
    Audited("proxies", "id", ("user_id", "absent_id", "during", "set_by")),
    Audited("account_records", "id", ("deed", "at", "user_id", "user_name", "actor", "address", "session_id", "reason")),
    Audited("proxy_ends", "id", ("ended_at", "ended_by")),
    DOWNLOADS,
    EXPORTS,
    GIVEN_UP,
)
"""That a role was taken back is in the event log."""

"""What of the roster stands under the audit's seal (shared/audit). New tables are added at the end; what a seal covers of one never changes."""

from shared.audit.models import DOWNLOADS, EVENT_LOG, Audited

AUDITED = (
    EVENT_LOG,
    DOWNLOADS,
    Audited("person_reveals", "id", ("person_id", "actor", "reason", "at")),
    Audited("comparison_steps", "id", ("difference_id", "run_id", "at", "actor", "action", "state", "side", "reason", "document_no")),
    Audited("parameters", "concat(name, '/', lower(valid))", ("value", "source", "owner", "recorded_at")),
)

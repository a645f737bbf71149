"""What of the roster stands under the audit's seal (shared/audit). New tables are added at the end; what a seal covers of one never changes."""

from shared.audit.models import DOWNLOADS, EVENT_LOG, EXPORTS, GIVEN_UP, Audited

DECIDED = (
    *("person_id", "kind", "proof", "fields", "received_at", "received_by"),
    *("outcome", "ground", "answer", "decided_at", "decided_by"),
)
"""What a decision on a person's request keeps of it."""
AUDITED = (
    EVENT_LOG,
    DOWNLOADS,
    Audited("person_reveals", "id", ("person_id", "actor", "reason", "at")),
    Audited("comparison_steps", "id", ("difference_id", "run_id", "at", "actor", "action", "state", "side", "reason", "document_no")),
    Audited("parameters", "concat(name, '/', lower(valid))", ("value", "source", "owner", "recorded_at")),
    Audited("code_additions", "concat(set, '/', code)", ("label", "aliases", "since", "document_no", "reason", "actor", "at")),
    EXPORTS,
    Audited("person_decisions", "request_id", DECIDED),
    Audited("code_endings", "concat(set, '/', code)", ("ended_on", "document_no", "reason", "actor", "at")),
    Audited("person_finds", "id", ("unit_id", "person_id", "from_unit_id", "actor", "at")),
    GIVEN_UP,
)

"""How a case is shown to operations in Temporal: its unit, stage and deadline as search attributes. People's lists come from PostgreSQL.

What is shown is told when it changes, from the first change on: a case that nobody has touched costs nothing.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from uuid import UUID

CASE_STAGE = SearchAttributeKey.for_keyword("CaseStage")
CASE_DEADLINE = SearchAttributeKey.for_datetime("CaseDeadline")
UNIT_ID = SearchAttributeKey.for_keyword("UnitId")


class Shown:
    """What was told last; the attributes themselves go on through continue-as-new."""

    def __init__(self, unit_id: UUID, stage: str, due_at: datetime | None = None) -> None:
        self._unit_id, self._told = unit_id, (stage, due_at)

    def tell(self, stage: str, due_at: datetime | None = None) -> None:
        """Tell where the case stands, if that is new."""
        if self._told == (stage, due_at):
            return
        self._told = (stage, due_at)
        deadline: SearchAttributeUpdate[datetime] = CASE_DEADLINE.value_set(due_at) if due_at else CASE_DEADLINE.value_unset()
        workflow.upsert_search_attributes([UNIT_ID.value_set(str(self._unit_id)), CASE_STAGE.value_set(stage), deadline])

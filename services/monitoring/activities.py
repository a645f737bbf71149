"""Door 3: what workflows may ask of monitoring. Each is one command (the sweep and the lists: one per unit), harmless when repeated."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from temporalio import activity

from services.monitoring.commands.cases import ENGINE, record_case_entry
from services.monitoring.commands.freezes import record_freeze_entry
from shared.db import By, Database
from shared.temporal import refusals_are_final
from workflows import freeze, rectification
from workflows.freeze import FreezeEntry
from workflows.rectification_case import Entry
from workflows.roster import Evidence


class MonitoringActivities:
    """The activities with what they need."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Callable[..., Any]]:
        """What the worker registers."""
        return [self.record_case_entry, self.record_freeze_entry]

    @activity.defn(name=rectification.RECORD_ENTRY)
    async def record_case_entry(self, entry: Entry) -> int:
        """Record one entry of a rectification."""
        case_id = rectification.workflow_id(entry.issue_id, entry.round)
        with refusals_are_final():
            return await record_case_entry(self._database, _by(entry.evidence, case_id, entry.sequence, entry.at), entry)

    @activity.defn(name=freeze.RECORD_ENTRY)
    async def record_freeze_entry(self, entry: FreezeEntry) -> int:
        """Record one entry of a freeze order."""
        case_id = freeze.workflow_id(entry.order_id)
        with refusals_are_final():
            return await record_freeze_entry(self._database, _by(entry.evidence, case_id, entry.sequence, entry.at), entry)


def _by(evidence: Evidence | None, case_id: str, sequence: int, at: datetime) -> By:
    """The mandate of an entry: the person who decided, or the engine; the key is (case, sequence)."""
    if evidence is None:
        return By(actor=ENGINE, as_of=at, key=f"{case_id}:{sequence}", case_id=case_id)
    return By(
        actor=evidence.actor,
        as_of=at,
        key=f"{case_id}:{sequence}",
        reason=evidence.reason,
        document_no=evidence.document_no,
        case_id=case_id,
    )

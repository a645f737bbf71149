"""Monitoring's tables on PostgreSQL, moved by events and commands, without the servers around them."""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.monitoring.commands.cases import record_case_entry
from services.monitoring.consumers import handlers
from services.monitoring.models.facts import Surroundings
from shared.auth import Who
from shared.clock import at_hour
from shared.crypto import FieldCipher, KeyRing, Suite, new_key
from shared.db import By, Database
from shared.errors import DomainError
from shared.events.envelope import Event
from shared.glossary import IssueState, Role
from shared.law.notices import load_calendar
from tests.monitoring.events import NOW, Town
from workflows.rectification_case import Act, Entry
from workflows.roster import Evidence

CALENDAR = load_calendar()
HANDLERS = handlers(Surroundings(load_calendar, lambda: timedelta(0), lambda: NOW))
MONDAY = at_hour(date(2026, 9, 20), 9)
CIPHER = FieldCipher(KeyRing((new_key(1, Suite.SM4),)))
OFFICER = Who("officer-shen", frozenset({Role.SUPERVISION_OFFICER}))


class Tables:
    """The service's tables, moved by events and commands."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def see(self, *events: Event, now: datetime = NOW) -> None:
        handling = handlers(Surroundings(load_calendar, lambda: timedelta(0), lambda: now))
        for event in events:
            async with self.database.transaction() as conn:
                await handling[type(event)](conn, event)

    async def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.pool.fetch(sql, *arguments)]

    async def light(self, town: Town) -> str:
        return str(await self.database.pool.fetchval("SELECT light FROM lights WHERE unit_id = $1", town.unit_id) or "green")

    async def issue(self, unit_id: UUID | None = None) -> dict[str, Any]:
        (found,) = await self.rows("SELECT * FROM issues WHERE $1::uuid IS NULL OR unit_id = $1", unit_id)
        return found

    async def published(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.rows("SELECT body FROM event_log WHERE type = $1 ORDER BY recorded_at", f"monitoring.{kind}.v1")
        return [row["body"] for row in rows]

    async def started(self) -> list[str]:
        return [row["workflow_id"] for row in await self.rows("SELECT workflow_id FROM workflow_starts ORDER BY workflow_id")]

    async def record(
        self,
        act: Act,
        state: IssueState,
        sequence: int,
        at: datetime = NOW,
        request: str = "u",
        unit_id: UUID | None = None,
        actor: str = "officer-shen",
        **more: Any,
    ) -> None:
        issue = await self.issue(unit_id)
        evidence = (
            None
            if act is Act.FIRE_RUNG
            else Evidence(actor=actor, role=Role.SUPERVISION_OFFICER, update_id=request, document_no="文〔2026〕1号")
        )
        entry = Entry(
            issue_id=issue["id"],
            round=issue["round"],
            sequence=sequence,
            act=act,
            at=at,
            state=state,
            revision=1,
            evidence=evidence,
            **more,
        )
        mandate = replace(by(f"{issue['id']}:{issue['round']}:{sequence}", at), actor=actor)
        await record_case_entry(self.database, mandate, entry)

    async def confirm(self) -> None:
        await self.record(Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, details={"title": "整改通知书", "demand": "限期清退"})


def by(key: str | None = None, at: datetime = NOW) -> By:
    return By(actor="officer-shen", as_of=at, key=key or str(uuid4()), reason="按规定", document_no="文〔2026〕1号")


async def refused(asked: Awaitable[object]) -> type[DomainError] | None:
    try:
        await asked
    except DomainError as refusal:
        return type(refusal)
    return None

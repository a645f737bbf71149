"""Given for the tests of reporting: events as the relay would send them, the worker as it runs, and how to wait for its figures."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from deploy.local.place import PROJECT, Place
from services.reporting import queries
from services.reporting.models import GroupPosts
from shared.auth import Who
from shared.db import Database
from shared.events.envelope import Event
from shared.events.monitoring import IssueChanged
from shared.events.roster import (
    EstablishmentState,
    LoadedPlacement,
    PersonPlaced,
    PersonReleased,
    PlacementCorrected,
    QuotaChanged,
    RetirementFact,
    UnitLoaded,
    UnitRegistered,
)
from shared.glossary import IssueState, Light, Role

NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)
COUNTY = Who("officer", frozenset({Role.BUSINESS_OFFICER}))
RETIREMENT = RetirementFact(category="M60", month="2050-01")
SPECIAL, UNKNOWN = RetirementFact(category="special", month=None), RetirementFact(category="unknown", month=None)


def row(
    kind: str, quota: int, headcount: int, *, reserved: int = 0, frozen: int = 0, counted: bool = True, apart: bool = False
) -> EstablishmentState:
    return EstablishmentState(
        kind=kind, funding="full", counted=counted, apart=apart, quota=quota, headcount=headcount, reserved=reserved, frozen=frozen
    )


@dataclass
class Publisher:
    """Sends events as the relay would; it counts each aggregate's versions."""

    producer: AIOKafkaProducer
    prefix: str
    versions: dict[UUID, int] = field(default_factory=dict)
    last: list[Event] = field(default_factory=list)

    def next_version(self, aggregate: UUID) -> int:
        self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        return self.versions[aggregate]

    async def send(self, *events: Event) -> None:
        for event in events:
            headers = [(name, value.encode()) for name, value in event.headers().items()]
            await self.producer.send_and_wait(self.prefix + event.topic, event.body(), key=event.key.encode(), headers=headers)
            self.last.append(event)

    async def unit(self, name: str, parent: Sequence[UUID] = (), category: str = "school", category_label: str = "") -> tuple[UUID, ...]:
        unit_id = uuid4()
        path = (*parent, unit_id)
        await self.send(
            UnitRegistered(
                **self._of(unit_id), parent_id=parent[-1] if parent else None, path=path, name=name, code=name, category=category,
                category_label=category_label, valid_from=date(2020, 1, 1),
            )
        )  # fmt: skip
        return path

    async def quota(self, unit_id: UUID, *rows: EstablishmentState, at: datetime = NOW) -> None:
        await self.send(QuotaChanged(**self._of(unit_id) | {"occurred_at": at}, establishments=rows, effective_on=at.date()))

    def placed(
        self, unit_id: UUID, person_id: UUID, version: int, transfer_id: UUID | None = None, retirement: RetirementFact = RETIREMENT
    ) -> PersonPlaced:
        return PersonPlaced(
            **self._of(unit_id), **self._about(person_id, version, transfer_id), started_on=NOW.date(), entry_reason="recruited",
            authorisation_no=None, authorised_on=None, retirement=retirement,
        )  # fmt: skip

    def released(self, unit_id: UUID, person_id: UUID, version: int, transfer_id: UUID | None = None) -> PersonReleased:
        about = self._about(person_id, version, transfer_id)
        return PersonReleased(**self._of(unit_id), **about, ended_on=NOW.date(), exit_reason="resigned")

    def corrected(self, unit_id: UUID, person_id: UUID, version: int, ended_on: date | None, month: str = "2050-01") -> PlacementCorrected:
        return PlacementCorrected(
            **self._of(unit_id), **self._about(person_id, version, None), started_on=date(2024, 1, 1), ended_on=ended_on, authorised_on=None,
            retirement=RetirementFact(category="M60", month=month),
        )  # fmt: skip

    def loaded(self, unit_id: UUID, *people: UUID) -> UnitLoaded:
        placed = [
            LoadedPlacement(
                person_id=person_id, person_version=1, kind="institution", funding="full", started_on=NOW.date(), retirement=RETIREMENT
            )
            for person_id in people
        ]  # fmt: skip
        return UnitLoaded(**self._of(unit_id), people=placed, baseline=True)

    def _of(self, unit_id: UUID) -> dict[str, object]:
        return {"occurred_at": NOW, "unit_id": unit_id, "version": self.next_version(unit_id)}

    def _about(self, person_id: UUID, version: int, transfer_id: UUID | None) -> dict[str, object]:
        return {"person_id": person_id, "person_version": version, "kind": "institution", "funding": "full", "transfer_id": transfer_id}

    def of_issue(self, unit_id: UUID, issue_id: UUID, state: IssueState, due_at: datetime | None = None) -> IssueChanged:
        version = self.next_version(issue_id)
        return IssueChanged(
            occurred_at=NOW, unit_id=unit_id, version=version, issue_id=issue_id, rule="M01", level=Light.RED, state=state, due_at=due_at
        )


@asynccontextmanager
async def running_worker(stack: Place, url: str, prefix: str) -> AsyncIterator[asyncio.subprocess.Process]:
    variables = stack.variables("reporting") | {"REPORTING_DATABASE_URL": url, "BIANBAN_TOPIC_PREFIX": prefix}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.reporting.worker", env=variables, cwd=PROJECT)
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def until(reporting: Database, question: str, *arguments: object, patience: float = 90.0) -> None:
    """Wait until the database says yes."""
    async with asyncio.timeout(patience):
        while True:
            if await reporting.pool.fetchval(question, *arguments):
                return
            await asyncio.sleep(0.02)


async def until_read(reporting: Database, publisher: Publisher) -> None:
    """Wait until the live generation has handled every event sent so far."""
    await until(
        reporting,
        "SELECT count(*) = cardinality($1::uuid[]) FROM inbox WHERE event_id = ANY($1)"
        " AND consumer = (SELECT 'reporting@' || number FROM generations WHERE state = 'live')",
        [event.event_id for event in publisher.last],
    )


async def by_group(reporting: Database, group: str, who: Who = COUNTY) -> dict[str, GroupPosts]:
    async with reporting.reading() as conn:
        found = await queries.distribution(conn, who, group)  # type: ignore[arg-type]  # the groups by name
    return {item.code: item for item in found.items}

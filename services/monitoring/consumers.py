"""Door 2: what monitoring listens to. Every roster event updates the copies; those that may break or mend something are judged at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import asyncpg

from services.monitoring.commands import copies
from services.monitoring.commands.issues import judge_change
from services.monitoring.commands.lights import mark_unverified
from services.monitoring.models.facts import CONSUMER, Occasion, Surroundings
from services.monitoring.models.requests import MarkUnverified
from services.monitoring.queries.lights import units_to_verify
from shared.clock import Clock
from shared.consumer import Handler, Handlers, Subscription
from shared.db import By, Connection, Database
from shared.errors import Unavailable
from shared.events.envelope import uuid7
from shared.events.roster import (
    ClaimReleased,
    HoldReleased,
    OverQuotaRecorded,
    PersonPlaced,
    PersonReleased,
    PlacementCorrected,
    PlacementEvent,
    PostClaimed,
    PostsReserved,
    QuotaChanged,
    ReservationExpired,
    ReservationHeld,
    RosterEvent,
    UnitFrozen,
    UnitRegistered,
    UnitUnfrozen,
)
from shared.unit_copies import unit_handlers


def subscription(surroundings: Surroundings, topic_prefix: str) -> Subscription:
    """What monitoring's consumer listens to."""
    return Subscription(CONSUMER, ("roster.events",), handlers(surroundings), topic_prefix)


def handlers(surroundings: Surroundings) -> Handlers:
    """Everything this service listens to. A rebuild runs the folds alone."""
    on_change = _on_roster_changed(surroundings)
    figures = (QuotaChanged, PostsReserved, ReservationHeld, HoldReleased, ReservationExpired, PostClaimed, ClaimReleased)
    units = {kind: handler for kind, handler in unit_handlers().items() if kind in {UnitRegistered, UnitFrozen, UnitUnfrozen}}
    return (
        units
        | {kind: Handler(copies.keep_establishments, on_change) for kind in figures}
        | {
            PersonPlaced: Handler(fold_placed, on_change),
            OverQuotaRecorded: Handler(fold_placed, on_change),
            PersonReleased: Handler(fold_released, on_change),
            PlacementCorrected: Handler(fold_corrected, on_change),
        }
    )


async def fold_placed(conn: Connection, event: PersonPlaced | OverQuotaRecorded) -> None:
    """A person is on the unit."""
    await copies.keep_establishments(conn, event)
    await copies.keep_placement(conn, event)


async def fold_released(conn: Connection, event: PersonReleased) -> None:
    """A person left the unit."""
    await copies.keep_establishments(conn, event)
    await copies.end_placement(conn, event)


async def fold_corrected(conn: Connection, event: PlacementCorrected) -> None:
    """A placement was corrected."""
    await copies.keep_establishments(conn, event)
    await copies.correct_placement(conn, event)


def _on_roster_changed(surroundings: Surroundings) -> Callable[[Connection, RosterEvent], Awaitable[None]]:
    """The reaction to every roster event: judge the rows and the person it touched, as of the instant it happened."""

    async def on_roster_changed(conn: Connection, event: RosterEvent) -> None:
        occasion = Occasion(
            event.unit_id, event.occurred_at, surroundings.calendar, surroundings.clock_offset(), event.event_id, event.baseline
        )
        rows = {(row.kind, row.funding) for row in event.establishments}
        by = By(actor=CONSUMER, as_of=event.occurred_at, key=str(event.event_id), case_id=event.case_id)
        await judge_change(conn, by, occasion, rows, _person(event))

    return on_roster_changed


async def watch_dead_letters(database: Database, clock: Clock) -> None:
    """Keep the light of every unit with parked events on 数据待核, and turn it back after their replay. For ever, once a second."""
    while True:
        with suppress(Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # it looks again in a second
            for unit_id in await units_to_verify(database):
                by = By(actor=CONSUMER, as_of=clock.now(), key=f"unverified:{unit_id}:{uuid7()}")
                await mark_unverified(database, by, MarkUnverified(unit_id=unit_id))
        await asyncio.sleep(1)


def _person(event: RosterEvent) -> UUID | None:
    return event.person_id if isinstance(event, PlacementEvent) else None

"""Door 2: what monitoring listens to. Every roster event updates the copies; those that may break or mend something are judged at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from services.monitoring.commands import copies
from services.monitoring.commands.issues import judge_changes, keep_judged
from services.monitoring.commands.lights import mark_unverified
from services.monitoring.models.facts import CONSUMER, Occasion, Surroundings
from services.monitoring.models.requests import MarkUnverified
from services.monitoring.queries.facts import Touched
from services.monitoring.queries.lights import units_to_verify
from shared.clock import Clock, business_day
from shared.consumer import Handler, Handlers, Subscription, Together, handling
from shared.db import TROUBLE, By, Connection, Database
from shared.events.audit import ApprovalAuditSealed, IdentityAuditSealed, RosterAuditSealed
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
    ReservationMoved,
    RosterEvent,
    SeatsChanged,
    UnitChanged,
    UnitClosed,
    UnitFrozen,
    UnitLoaded,
    UnitRegistered,
    UnitUnfrozen,
)
from shared.unit_copies import unit_handlers

TOPICS = ("roster.events", "approval.events", "identity.events")


def subscription(surroundings: Surroundings, topic_prefix: str) -> Subscription:
    """What monitoring's consumer listens to."""
    return Subscription(CONSUMER, TOPICS, handlers(surroundings), topic_prefix)


def handlers(surroundings: Surroundings) -> Handlers:
    """Everything this service listens to. A rebuild runs the folds alone."""
    placed, on_change = _kept(copies.keep_placed), _on_roster_changed(surroundings)
    figures = (PostsReserved, ReservationHeld, HoldReleased, ReservationExpired, ReservationMoved, PostClaimed, ClaimReleased)
    units = {
        kind: handler
        for kind, handler in unit_handlers().items()
        if kind in {UnitRegistered, UnitChanged, UnitClosed, UnitFrozen, UnitUnfrozen}
    }
    return (
        units
        | dict.fromkeys((RosterAuditSealed, ApprovalAuditSealed, IdentityAuditSealed), Handler(fold=copies.keep_head))
        | {kind: Handler(_kept(copies.keep_rows), on_change) for kind in figures}
        | {
            QuotaChanged: Handler(_kept(copies.keep_quotas), on_change),
            SeatsChanged: Handler(_kept(copies.keep_seats), on_change),
            PersonPlaced: Handler(placed, on_change),
            OverQuotaRecorded: Handler(placed, on_change),
            PersonReleased: Handler(_kept(copies.keep_released), on_change),
            PlacementCorrected: Handler(_kept(copies.keep_corrected), on_change),
            UnitLoaded: Handler(_kept(copies.keep_loaded), on_change, soon=False),  # rules run dry on it
        }
    )


def _kept(fold: Callable[[Connection, Sequence[Any]], Awaitable[None]]) -> Together:
    """What the events say, and what follows of it for the causes recorded in their rows."""

    async def keep(conn: Connection, events: Sequence[RosterEvent]) -> None:
        await fold(conn, events)
        await copies.drop_used_causes(conn, events)

    return Together(keep)


def _on_roster_changed(surroundings: Surroundings) -> Together:
    """The reaction to every roster event: judge the rows, the people and the levels it touched, as of the instant it happened.

    An event may come days late, alone or with others behind it: what time alone has changed since is then left to the next sweep.
    """

    async def on_roster_changed(conn: Connection, events: Sequence[RosterEvent]) -> None:
        touched = [_touched(event, surroundings) for event in events]
        for event, judged in zip(events, await judge_changes(conn, touched), strict=True):
            by = By(actor=CONSUMER, as_of=event.occurred_at, key=str(event.event_id), case_id=event.case_id)
            with handling(event):
                await keep_judged(conn, by, judged)

    return Together(on_roster_changed)


def _touched(event: RosterEvent, surroundings: Surroundings) -> Touched:
    today = None if event.baseline else business_day(surroundings.now())
    return Touched(
        Occasion(
            *(event.unit_id, event.occurred_at, surroundings.calendar, surroundings.clock_offset(), event.event_id, event.baseline, today),
            placed=event.person_id if isinstance(event, PersonPlaced) else None,
        ),
        frozenset((row.kind, row.funding) for row in event.establishments),
        _people(event),
        tuple(seat.level for seat in event.levels) if isinstance(event, SeatsChanged) else (),
    )


def _people(event: RosterEvent) -> tuple[UUID, ...]:
    if isinstance(event, UnitLoaded):
        return tuple(each.person_id for each in event.people)
    return (event.person_id,) if isinstance(event, PlacementEvent) else ()


async def watch_dead_letters(database: Database, clock: Clock) -> None:
    """Keep the light of every unit with parked events on 数据待核, and turn it back after their replay. For ever, once a second."""
    while True:
        with suppress(*TROUBLE):  # it looks again in a second
            for unit_id in await units_to_verify(database):
                by = By(actor=CONSUMER, as_of=clock.now(), key=f"unverified:{unit_id}:{uuid7()}")
                await mark_unverified(database, by, MarkUnverified(unit_id=unit_id))
        await asyncio.sleep(1)

"""What reporting listens to. All handlers are folds: they keep rows of one generation and start nothing, so a rebuild may run them again.

Each takes events of different keys, in their order, and sends its statement for all of them at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from shared.consumer import Handler, Handlers, Together
from shared.db import Connection
from shared.events.approval import ApplicationMoved, ApplicationSubmitted
from shared.events.envelope import Event
from shared.events.monitoring import IssueChanged, LightChanged
from shared.events.roster import (
    EVENTS,
    LoadedPlacement,
    OverQuotaRecorded,
    PersonPlaced,
    PersonRegistered,
    PersonReleased,
    PlacementCorrected,
    PlacementEvent,
    RetirementFact,
    RosterEvent,
    UnitChanged,
    UnitClosed,
    UnitLoaded,
    UnitRegistered,
    UnitState,
)

TOPICS = ("roster.events", "approval.events", "monitoring.events")
Fold = Callable[[Connection, int, Sequence[Any]], Awaitable[None]]


def handlers(generation: int) -> Handlers:
    """Everything reporting listens to, for the rows of one generation."""
    folds: dict[type[Event], tuple[Fold, ...]] = {kind: (fold_establishments,) for kind in EVENTS if kind is not PersonRegistered}
    folds |= {
        UnitRegistered: (fold_unit, fold_establishments),
        UnitChanged: (fold_unit, fold_establishments),
        UnitClosed: (fold_closed, fold_establishments),
        PersonPlaced: (fold_establishments, fold_arrival),
        OverQuotaRecorded: (fold_establishments, fold_arrival),
        PersonReleased: (fold_establishments, fold_departure),
        PlacementCorrected: (fold_establishments, fold_correction),
        UnitLoaded: (fold_establishments, fold_load),
        LightChanged: (fold_light,),
        IssueChanged: (fold_issue,),
        ApplicationSubmitted: (fold_submitted,),
        ApplicationMoved: (fold_moved,),
    }
    together = {steps: _together(generation, steps) for steps in set(folds.values())}
    return {kind: Handler(fold=together[steps]) for kind, steps in folds.items()}


def _together(generation: int, folds: tuple[Fold, ...]) -> Together:
    async def run(conn: Connection, events: Sequence[Event]) -> None:
        for fold in (_reach, *folds):
            await fold(conn, generation, events)

    return Together(run)


async def _reach(conn: Connection, generation: int, events: Sequence[Event]) -> None:
    """How far the figures of the units reach."""
    await conn.executemany(
        "INSERT INTO units (generation, id, last_event_at) VALUES ($1, $2, $3) ON CONFLICT (generation, id)"
        " DO UPDATE SET last_event_at = greatest(units.last_event_at, excluded.last_event_at)",
        [(generation, event.unit_id, event.occurred_at) for event in events],
    )


async def fold_unit(conn: Connection, generation: int, events: Sequence[UnitState]) -> None:
    """Units came into being, or are another now; their lights may be known already."""
    await conn.executemany(
        "UPDATE units SET parent_id = $3, path = $4, name = $5, code = $6, category = $7, category_label = $8, withheld = $9"
        " WHERE generation = $1 AND id = $2",
        [
            (
                *(generation, event.unit_id, event.parent_id, event.path, event.name, event.code, event.category),
                *(event.category_label, event.withheld),
            )
            for event in events
        ],
    )


async def fold_closed(conn: Connection, generation: int, events: Sequence[UnitClosed]) -> None:
    """Units are no more: they are counted among no units."""
    await conn.executemany(
        "UPDATE units SET closed_on = $3 WHERE generation = $1 AND id = $2",
        [(generation, event.unit_id, event.closed_on) for event in events],
    )


async def fold_establishments(conn: Connection, generation: int, events: Sequence[RosterEvent]) -> None:
    """The rows that events changed, as they stand after them."""
    await conn.executemany(
        "INSERT INTO establishments (generation, unit_id, kind, funding, counted, apart, quota, headcount, reserved, frozen, kind_label,"
        " funding_label) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (generation, unit_id, kind, funding) DO UPDATE SET"
        " counted = excluded.counted, apart = excluded.apart, quota = excluded.quota, headcount = excluded.headcount, reserved = excluded.reserved,"
        " frozen = excluded.frozen, kind_label = excluded.kind_label, funding_label = excluded.funding_label",
        [
            (
                *(generation, event.unit_id, row.kind, row.funding, row.counted, row.apart, row.quota, row.headcount, row.reserved),
                *(row.frozen, row.kind_label, row.funding_label),
            )
            for event in events
            for row in event.establishments
        ],
    )


async def fold_arrival(conn: Connection, generation: int, events: Sequence[PersonPlaced | OverQuotaRecorded]) -> None:
    """Persons took up posts."""
    await _move_people(conn, generation, [(event.unit_id, True, [event]) for event in events])


async def fold_departure(conn: Connection, generation: int, events: Sequence[PersonReleased]) -> None:
    """Persons left. A transfer's departure is told by its arrival elsewhere, so that nobody is ever nowhere (trap 9)."""
    await _move_people(conn, generation, [(event.unit_id, False, [event]) for event in events if event.transfer_id is None])


async def fold_correction(conn: Connection, generation: int, events: Sequence[PlacementCorrected]) -> None:
    """Placements were corrected. One that has an end was over before (a correction ends none) and says nothing of where its person is now."""
    await _move_people(conn, generation, [(event.unit_id, True, [event]) for event in events if event.ended_on is None])


async def fold_load(conn: Connection, generation: int, events: Sequence[UnitLoaded]) -> None:
    """The people of first loads took up their posts."""
    await _move_people(conn, generation, [(event.unit_id, True, event.people) for event in events])


async def _move_people(
    conn: Connection, generation: int, moves: Sequence[tuple[UUID, bool, Sequence[PlacementEvent | LoadedPlacement]]]
) -> None:
    """People of a unit, in post or not."""
    await conn.executemany(
        "INSERT INTO people (generation, person_id, person_version, unit_id, kind, funding, in_post, retirement_month, retirement_category)"
        " SELECT $1, person_id, person_version, $2, kind, funding, $3, retirement_month, retirement_category"
        " FROM unnest($4::uuid[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::text[])"
        " AS moved (person_id, person_version, kind, funding, retirement_month, retirement_category)"
        " ON CONFLICT (generation, person_id) DO UPDATE SET person_version = excluded.person_version, unit_id = excluded.unit_id,"
        " kind = excluded.kind, funding = excluded.funding, in_post = excluded.in_post, retirement_month = excluded.retirement_month,"
        " retirement_category = excluded.retirement_category"
        " WHERE people.person_version < excluded.person_version",
        [
            (
                generation,
                unit_id,
                in_post,
                *([getattr(each, name) for each in people] for name in _MOVED),
                *([getattr(_retires(each), name, None) for each in people] for name in ("month", "category")),
            )
            for unit_id, in_post, people in moves
        ],
    )


def _retires(moved: PlacementEvent | LoadedPlacement) -> RetirementFact | None:
    """Month and category, where the event tells them: who leaves a post is not asked."""
    return moved.retirement if isinstance(moved, PersonPlaced | OverQuotaRecorded | PlacementCorrected | LoadedPlacement) else None


_MOVED = ("person_id", "person_version", "kind", "funding")


async def fold_light(conn: Connection, generation: int, events: Sequence[LightChanged]) -> None:
    """Lights turned."""
    await conn.executemany(
        "UPDATE units SET light = $3 WHERE generation = $1 AND id = $2", [(generation, event.unit_id, event.light) for event in events]
    )


async def fold_issue(conn: Connection, generation: int, events: Sequence[IssueChanged]) -> None:
    """Issues as they stand now."""
    await conn.executemany(
        "INSERT INTO issues (generation, id, unit_id, rule, level, state, round, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (generation, id) DO UPDATE SET level = excluded.level, state = excluded.state, round = excluded.round,"
        " due_at = excluded.due_at",
        [(generation, event.issue_id, event.unit_id, event.rule, event.level, event.state, event.round, event.due_at) for event in events],
    )


async def fold_submitted(conn: Connection, generation: int, events: Sequence[ApplicationSubmitted]) -> None:
    """Applications came in; their moves follow."""
    await conn.executemany(
        "INSERT INTO applications (generation, id, unit_id, type, posts, state) VALUES ($1, $2, $3, $4, $5, 'in_review')"
        " ON CONFLICT (generation, id) DO UPDATE SET posts = excluded.posts",
        [(generation, event.application_id, event.unit_id, event.application_type, event.posts) for event in events],
    )


async def fold_moved(conn: Connection, generation: int, events: Sequence[ApplicationMoved]) -> None:
    """Where applications stand now."""
    await conn.executemany(
        "INSERT INTO applications (generation, id, unit_id, type, state, step, holder) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (generation, id) DO UPDATE SET state = excluded.state, step = excluded.step, holder = excluded.holder",
        [
            (generation, event.application_id, event.unit_id, event.application_type, event.state, event.step, event.holder)
            for event in events
        ],
    )

"""What reporting listens to. All handlers are folds: they keep rows of one generation and start nothing, so a rebuild may run them again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from shared.consumer import Handler, Handlers
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
    RosterEvent,
    UnitChanged,
    UnitClosed,
    UnitLoaded,
    UnitRegistered,
    UnitState,
)

TOPICS = ("roster.events", "approval.events", "monitoring.events")
Fold = Callable[[Connection, int, Any], Awaitable[None]]


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
    return {kind: Handler(fold=_together(generation, steps)) for kind, steps in folds.items()}


def _together(generation: int, folds: tuple[Fold, ...]) -> Callable[[Connection, Event], Awaitable[None]]:
    async def run(conn: Connection, event: Event) -> None:
        await _reach(conn, generation, event)
        for fold in folds:
            await fold(conn, generation, event)

    return run


async def _reach(conn: Connection, generation: int, event: Event) -> None:
    """How far the figures of the unit reach."""
    await conn.execute(
        "INSERT INTO units (generation, id, last_event_at) VALUES ($1, $2, $3) ON CONFLICT (generation, id)"
        " DO UPDATE SET last_event_at = greatest(units.last_event_at, excluded.last_event_at)",
        generation,
        event.unit_id,
        event.occurred_at,
    )


async def fold_unit(conn: Connection, generation: int, event: UnitState) -> None:
    """A unit came into being, or is another now; its light may be known already."""
    await conn.execute(
        "UPDATE units SET parent_id = $3, path = $4, name = $5, code = $6, category = $7, withheld = $8 WHERE generation = $1 AND id = $2",
        generation,
        event.unit_id,
        event.parent_id,
        event.path,
        event.name,
        event.code,
        event.category,
        event.withheld,
    )


async def fold_closed(conn: Connection, generation: int, event: UnitClosed) -> None:
    """A unit is no more: it is counted among no units."""
    await conn.execute("UPDATE units SET closed_on = $3 WHERE generation = $1 AND id = $2", generation, event.unit_id, event.closed_on)


async def fold_establishments(conn: Connection, generation: int, event: RosterEvent) -> None:
    """The rows an event changed, as they stand after it."""
    for row in event.establishments:
        await conn.execute(
            "INSERT INTO establishments (generation, unit_id, kind, funding, counted, quota, headcount, reserved, frozen, kind_label,"
            " funding_label) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (generation, unit_id, kind, funding) DO UPDATE SET"
            " counted = excluded.counted, quota = excluded.quota, headcount = excluded.headcount, reserved = excluded.reserved,"
            " frozen = excluded.frozen, kind_label = excluded.kind_label, funding_label = excluded.funding_label",
            generation,
            event.unit_id,
            row.kind,
            row.funding,
            row.counted,
            row.quota,
            row.headcount,
            row.reserved,
            row.frozen,
            row.kind_label,
            row.funding_label,
        )


async def fold_arrival(conn: Connection, generation: int, event: PersonPlaced | OverQuotaRecorded) -> None:
    """A person took up a post."""
    await _move_person(conn, generation, event, in_post=True)


async def fold_departure(conn: Connection, generation: int, event: PersonReleased) -> None:
    """A person left. A transfer's departure is told by its arrival elsewhere, so that he is never nowhere (trap 9)."""
    if event.transfer_id is None:
        await _move_person(conn, generation, event, in_post=False)


async def fold_correction(conn: Connection, generation: int, event: PlacementCorrected) -> None:
    """A placement was corrected; one that has an end is over."""
    await _move_person(conn, generation, event, in_post=event.ended_on is None)


async def fold_load(conn: Connection, generation: int, event: UnitLoaded) -> None:
    """The people of a first load took up their posts."""
    await _move_people(conn, generation, event.unit_id, event.people, in_post=True)


async def _move_person(
    conn: Connection, generation: int, event: PersonPlaced | OverQuotaRecorded | PersonReleased | PlacementCorrected, *, in_post: bool
) -> None:
    await _move_people(conn, generation, event.unit_id, [event], in_post=in_post)


async def _move_people(
    conn: Connection, generation: int, unit_id: UUID, people: Sequence[PlacementEvent | LoadedPlacement], *, in_post: bool
) -> None:
    await conn.execute(
        "INSERT INTO people (generation, person_id, person_version, unit_id, kind, funding, in_post)"
        " SELECT $1, person_id, person_version, $2, kind, funding, $3"
        " FROM unnest($4::uuid[], $5::integer[], $6::text[], $7::text[]) AS moved (person_id, person_version, kind, funding)"
        " ON CONFLICT (generation, person_id) DO UPDATE SET person_version = excluded.person_version, unit_id = excluded.unit_id,"
        " kind = excluded.kind, funding = excluded.funding, in_post = excluded.in_post WHERE people.person_version < excluded.person_version",
        generation,
        unit_id,
        in_post,
        [each.person_id for each in people],
        [each.person_version for each in people],
        [each.kind for each in people],
        [each.funding for each in people],
    )


async def fold_light(conn: Connection, generation: int, event: LightChanged) -> None:
    """The light turned."""
    await conn.execute("UPDATE units SET light = $3 WHERE generation = $1 AND id = $2", generation, event.unit_id, event.light)


async def fold_issue(conn: Connection, generation: int, event: IssueChanged) -> None:
    """An issue as it stands now."""
    await conn.execute(
        "INSERT INTO issues (generation, id, unit_id, rule, level, state, round, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (generation, id) DO UPDATE SET level = excluded.level, state = excluded.state, round = excluded.round,"
        " due_at = excluded.due_at",
        generation,
        event.issue_id,
        event.unit_id,
        event.rule,
        event.level,
        event.state,
        event.round,
        event.due_at,
    )


async def fold_submitted(conn: Connection, generation: int, event: ApplicationSubmitted) -> None:
    """An application came in; its moves follow."""
    await conn.execute(
        "INSERT INTO applications (generation, id, unit_id, type, posts, state) VALUES ($1, $2, $3, $4, $5, 'in_review')"
        " ON CONFLICT (generation, id) DO UPDATE SET posts = excluded.posts",
        generation,
        event.application_id,
        event.unit_id,
        event.application_type,
        event.posts,
    )


async def fold_moved(conn: Connection, generation: int, event: ApplicationMoved) -> None:
    """Where the application stands now."""
    await conn.execute(
        "INSERT INTO applications (generation, id, unit_id, type, state, step, holder) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (generation, id) DO UPDATE SET state = excluded.state, step = excluded.step, holder = excluded.holder",
        generation,
        event.application_id,
        event.unit_id,
        event.application_type,
        event.state,
        event.step,
        event.holder,
    )

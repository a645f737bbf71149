"""Random concurrent commands against a plain model: what the database did must be what some order of single steps would have done.

So: never over quota unless recorded as such, sums tie, no reservation is lost or leaked, nobody is on two units, and any past date answers.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import permutations
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.effects import take_effect
from services.roster.commands.freezes import freeze_unit, unfreeze_unit
from services.roster.commands.placements import place_person, record_over_quota_fact
from services.roster.commands.quotas import set_quota
from services.roster.commands.reservations import hold_reservation, lapse_reservations
from services.roster.models.requests import FreezeUnit, LapseReservations, RecordOverQuota, SetQuota, UnfreezeUnit
from services.roster.queries.establishments import Moment, establishments
from shared.db import By, Database
from shared.errors import DomainError
from shared.glossary import ApplicationType, FreezeScope, OverQuotaCause
from tests.roster import given
from tests.roster.model import OK, ROWS, TOWN, Application, Model, Step
from workflows.roster import PostRequest

pytestmark = pytest.mark.asyncio
APPLICATIONS = (
    Application("U0", "use", "A", expires=5),
    Application("U1", "use", "A", posts=2, expires=8),
    Application("U2", "use", "B"),
    Application("E0", "entry", "A", person=0, use="U0"),
    Application("E1", "entry", "A", person=1, use="U1"),
    Application("E2", "entry", "B", person=0, use="U2"),
    Application("E3", "entry", "A", person=2, use="U1"),
    Application("T0", "transfer", "B", person=1, giver="A"),
    Application("T1", "transfer", "A", person=2, giver="B"),
    Application("X0", "exit", "A", person=0),
    Application("X1", "exit", "B", person=1),
)
TYPES = {
    "use": ApplicationType.POST_USE,
    "entry": ApplicationType.ENTRY,
    "transfer": ApplicationType.TRANSFER,
    "exit": ApplicationType.EXIT,
}
REASONS = {"entry": "open_recruitment", "exit": "resignation"}
QUOTA = {"A": 3, "B": 2}

VERBS = {
    "advance": 12,
    "repeat": 3,
    "give_back": 2,
    "claim": 1,
    "effect": 1,
    "hold": 1,
    "place": 1,
    "over_quota": 1,
    "set_quota": 1,
    "freeze": 1,
    "unfreeze": 2,
    "sweep": 1,
}
ROUNDS, AT_ONCE = 12, 4


@dataclass
class World:
    """One example's units, people, applications and what became known of them."""

    database: Database
    rows: dict[str, given.Row]
    town: UUID
    persons: list[UUID]
    ids: dict[str, UUID]
    reservations: dict[str, UUID]
    orders: dict[int, FreezeUnit]
    asked: list[tuple[str, Application, int]]

    def step(self, chance: Random, number: int, model: Model) -> Step | None:
        """A random command, built from what is known before its round. None when there is nothing to do."""
        (verb,) = chance.choices(list(VERBS), list(VERBS.values()))
        alone = f"{verb}-{number}-{uuid4()}"
        if verb == "advance":
            return self._next(chance.choices(APPLICATIONS, [_urgency(each, model) for each in APPLICATIONS])[0], model)
        if verb == "repeat":
            return self._of(*chance.choice(self.asked)) if self.asked else None
        if verb in {"claim", "effect", "give_back", "hold"}:
            application = chance.choice([each for each in APPLICATIONS if verb != "hold" or each.kind == "entry"])
            return self._of(verb, application, chance.choice([1, 1, 2]))
        if verb == "freeze":
            scopes = chance.choice([("post_use",), ("entry",), ("post_use", "entry")])
            return Step(verb, alone, row=chance.choice([*ROWS, TOWN]), number=number, scopes=scopes)
        if verb == "unfreeze":
            return Step(verb, alone, number=chance.choice(sorted(model.orders))) if model.orders else None
        amount = {"set_quota": chance.randint(1, 5)}.get(verb, 0)
        return Step(verb, alone, row=chance.choice(ROWS), person=chance.randrange(4), number=amount)

    def _next(self, application: Application, model: Model) -> Step:
        claim = model.claims.get(application.name)
        revision = model.buried.get(application.name, 0) + 1
        if claim is not None and claim.state == "claimed":
            return self._of("effect", application, claim.revision)
        if application.kind == "entry" and application.name not in model.holds and application.use in model.reservations:
            return self._of("hold", application, revision)
        return self._of("claim", application, revision)

    def _of(self, verb: str, application: Application, revision: int) -> Step:
        knows = application.use is None or application.use in self.reservations
        self.asked.append((verb, application, revision))
        return Step(verb, f"{verb}:{self.ids[application.name]}:{revision}", application, revision, knows=knows)

    def request(self, step: Step) -> PostRequest:
        application = step.application
        assert application is not None
        return PostRequest(
            application_id=self.ids[application.name],
            revision=step.revision,
            application_type=TYPES[application.kind],
            **self.rows[application.row].key,
            posts=application.posts,
            person_id=None if application.person is None else self.persons[application.person],
            reservation_id=self.reservations.get(application.use, uuid4()) if application.use else None,
            from_unit_id=self.rows[application.giver].unit_id if application.giver else None,
            reason_code=REASONS.get(application.kind),
        )

    def command(self, step: Step, by: By, today: date) -> Awaitable[Any]:
        """The command that carries a step out."""
        prepared: Awaitable[Any] = getattr(self, f"_{step.verb}")(step, by, today)
        return prepared

    def _claim(self, step: Step, by: By, _: date) -> Awaitable[Any]:
        return claim_post(self.database, by, self.request(step))

    def _hold(self, step: Step, by: By, _: date) -> Awaitable[Any]:
        return hold_reservation(self.database, by, self.request(step))

    def _effect(self, step: Step, by: By, _: date) -> Awaitable[Any]:
        assert step.application is not None
        expires_on = given.TODAY + timedelta(days=step.application.expires)
        return take_effect(self.database, by, given.effect(self.request(step), expires_on, given.TODAY))

    def _give_back(self, step: Step, by: By, _: date) -> Awaitable[Any]:
        return give_back(self.database, by, given.back(self.request(step)))

    def _place(self, step: Step, by: By, today: date) -> Awaitable[Any]:
        return place_person(self.database, by, given.placement(self.rows[step.row], self.persons[step.person], today))

    def _over_quota(self, step: Step, by: By, today: date) -> Awaitable[Any]:
        person_id, cause = self.persons[step.person], OverQuotaCause.VIOLATION
        fact = RecordOverQuota(**self.rows[step.row].key, person_id=person_id, started_on=today, cause=cause)
        return record_over_quota_fact(self.database, by, fact)

    def _set_quota(self, step: Step, by: By, today: date) -> Awaitable[Any]:
        what = SetQuota(**self.rows[step.row].key, posts=step.number, effective_on=today, document_on=today)
        return set_quota(self.database, by, what)

    def _freeze(self, step: Step, by: By, _: date) -> Awaitable[Any]:
        root = self.rows[step.row].unit_id if step.row in self.rows else self.town
        self.orders[step.number] = FreezeUnit(order_id=uuid4(), unit_id=root, scopes=tuple(FreezeScope(each) for each in step.scopes))
        return freeze_unit(self.database, by, self.orders[step.number])

    def _unfreeze(self, step: Step, by: By, _: date) -> Awaitable[Any]:
        order = self.orders[step.number]
        return unfreeze_unit(self.database, by, UnfreezeUnit(order_id=order.order_id, unit_id=order.unit_id))

    def _sweep(self, step: Step, by: By, today: date) -> Awaitable[Any]:
        return lapse_reservations(self.database, by, LapseReservations(unit_id=self.rows[step.row].unit_id, on=today))


def _urgency(application: Application, model: Model) -> int:
    """How much an application can do now; chance follows it, so that cases come to their end."""
    claim = model.claims.get(application.name)
    if application.name in model.holds or (claim is not None and claim.state == "claimed"):
        return 10
    here = application.person is not None and model.posts.get(application.person, ("", 0))[0] == (application.giver or application.row)
    may_enter = (
        application.use in model.reservations and model.reservations[application.use].unspent > 0 and application.person not in model.posts
    )
    ready = {"use": claim is None or claim.state == "given_back", "entry": may_enter, "transfer": here, "exit": here}
    return 6 if ready[application.kind] else 1


async def new_world(database: Database) -> World:
    town = await given.unit(database, category="ZJ-Z")
    rows = {name: await given.row(database, QUOTA[name], parent=town) for name in ROWS}
    persons = [await given.person(database, rows["A"].unit_id) for _ in range(4)]
    return World(database, rows, town, persons, {each.name: uuid4() for each in APPLICATIONS}, {}, {}, [])


async def outcome(world: World, step: Step, at: By, today: date) -> str:
    try:
        answer = await world.command(step, at, today)
    except DomainError as refusal:
        return refusal.code
    if step.verb == "effect" and answer.reservation_id and step.application:
        world.reservations[step.application.name] = answer.reservation_id
    return OK


async def figures(world: World, on: date | None = None) -> dict[str, tuple[int, int, int]]:
    async with world.database.reading() as conn:
        states = {name: await establishments(conn, row.unit_id, Moment(on)) for name, row in world.rows.items()}
    return {name: (each.quota, each.headcount, each.reserved) for name, (each,) in states.items()}


def explained(model: Model, steps: list[Step], seen: list[str], day: int, reached: dict[str, tuple[int, int, int]]) -> Model | None:
    """The model after some order of the steps that gives the very outcomes and figures that were seen."""
    for order in permutations(range(len(steps))):
        state = model
        for position in order:
            state, expected = state.after(steps[position], day)
            if expected != seen[position]:
                break
        else:
            if state.figures() == reached:
                return state
    return None


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@examples(seed=st.integers(0, 2**32))
async def test_what_happens_at_once_is_what_could_have_happened_one_after_another(roster_db: Database, seed: int) -> None:
    chance = Random(seed)
    world = await new_world(roster_db)
    model = Model(dict(QUOTA), applications={each.name: each for each in APPLICATIONS})
    past: dict[date, dict[str, tuple[int, int, int]]] = {}

    for day in range(1, ROUNDS + 1):
        today, by = given.TODAY + timedelta(days=day), given.by(at=given.NOW + timedelta(days=day))
        planned = (world.step(chance, day * 10 + number, model) for number in range(chance.randint(1, AT_ONCE)))
        steps = [step for step in planned if step is not None]
        seen = await asyncio.gather(*(outcome(world, step, replace(by, key=step.key), today) for step in steps))
        past[today] = await figures(world)
        after = explained(model, steps, list(seen), day, past[today])
        assert after is not None, (steps, seen, past[today], model)
        model = after
        ensure_sound(model)

    assert {day: await figures(world, day) for day in past} == past
    await ensure_tied(world)


def ensure_sound(model: Model) -> None:
    """Over quota only by what was recorded; a person is on one unit by the model's very shape."""
    for row, (quota, headcount, reserved) in model.figures().items():
        recorded = sum(each == row for each in model.over.values())
        assert headcount + reserved <= quota + recorded


async def ensure_tied(world: World) -> None:
    """The ledger is the sum of what is unspent and what is claimed; nobody is twice in post; versions have no gap."""
    for row in world.rows.values():
        difference = await world.database.pool.fetchval(
            "SELECT (SELECT coalesce(sum(posts), 0) FROM reserved_ledger WHERE unit_id = $1)"
            " - (SELECT coalesce(sum(unspent), 0) FROM reservations WHERE unit_id = $1)"
            " - (SELECT coalesce(sum(posts), 0) FROM claims WHERE unit_id = $1 AND state = 'claimed')",
            row.unit_id,
        )
        assert difference == 0
        versions = await given.versions_of(world.database, row.unit_id)
        assert versions == list(range(1, len(versions) + 1))
    doubled = await world.database.pool.fetch(
        "SELECT person_id FROM placements WHERE upper_inf(recorded) AND upper_inf(during) GROUP BY person_id HAVING count(*) > 1"
    )
    assert doubled == []

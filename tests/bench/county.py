"""Whom the bench places and where: units by the roster's commands, with every post they could need; people in bulk, for nobody measures their registration."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from deploy.local.place import Place
from services.roster.commands.quotas import set_quota
from services.roster.commands.units import register_unit
from services.roster.models.requests import PlacePerson, RegisterUnit, SetQuota
from shared import db
from shared.clock import business_day
from shared.db import By, Database
from shared.events.envelope import uuid7
from shared.glossary import PersonIdentity, PostCategory
from shared.law.retirement import Sex

UNITS = 60
CATEGORY, KIND, FUNDING, NO_POSTS = "SY-E", "SY", "full", "self"
POSTS = 100_000
_OURS = "FROM units WHERE name ~ '^第[0-9]+中学$'"
SINCE = timedelta(days=30)


def by() -> By:
    """The bench's mandate for one more write."""
    return By(actor="bench", as_of=datetime.now(UTC), key=uuid4().hex, reason="bench", document_no="测试〔2026〕1号")


async def ensure(place: Place) -> list[UUID]:
    """The units of the stack's own roster; made when there are none."""
    async with db.connect(place.database_url("roster"), "roster") as roster:
        return await units(roster, UNITS)


async def units(roster: Database, count: int) -> list[UUID]:
    """So many units, those that are there first, whatever an import has brought besides. They have posts of one funding and none of another."""
    there = [row["id"] for row in await roster.pool.fetch(f"SELECT id {_OURS} ORDER BY code LIMIT $1", count)]
    return [*there, *[await _unit(roster, number) for number in range(len(there), count)]]


async def fresh_unit(roster: Database) -> UUID:
    """One more, with nobody on its posts."""
    return await _unit(roster, await roster.pool.fetchval(f"SELECT count(*) {_OURS}"))


async def _unit(roster: Database, number: int) -> UUID:
    mandate = by()
    today = business_day(mandate.as_of)
    name = f"第{number}中学"
    unit_id = await register_unit(roster, by(), RegisterUnit(name=name, code=f"{number:04d}", category=CATEGORY, valid_from=today - SINCE))
    quota = SetQuota(unit_id=unit_id, kind=KIND, funding=FUNDING, posts=POSTS, effective_on=today - SINCE, document_on=today - SINCE)
    await set_quota(roster, by(), quota)
    return unit_id


async def people(roster: Database, units: list[UUID], count: int) -> list[UUID]:
    """So many new people, without a post and far from retirement, registered by these units in turn, as the unit that wants a person does."""
    ids = [uuid7() for _ in range(count)]
    async with roster.transaction() as conn:
        await conn.execute(
            "INSERT INTO persons (id, version, unit_id) SELECT id, 1, unit FROM unnest($1::uuid[], $2::uuid[]) AS new (id, unit)",
            ids,
            [units[number % len(units)] for number in range(count)],
        )
        await conn.execute(
            "INSERT INTO person_records (person_id, recorded, name, id_number, sex, birth_on, identity, post_category)"
            " SELECT id, tstzrange($2, NULL), '测试', '', $3, '1990-01-01', $4, $5 FROM unnest($1::uuid[]) AS id",
            ids,
            by().as_of - SINCE,
            Sex.MALE,
            PersonIdentity.PROFESSIONAL,
            PostCategory.TECHNICAL,
        )
    return ids


def placing(person_id: UUID, unit_id: UUID) -> PlacePerson:
    """An ordinary entry, authorised before it began."""
    began = business_day(by().as_of) - SINCE
    return PlacePerson(
        person_id=person_id,
        unit_id=unit_id,
        kind=KIND,
        funding=FUNDING,
        started_on=began,
        entry_reason="open_recruitment",
        authorisation_no="测试〔2026〕2号",
        authorised_on=began,
    )

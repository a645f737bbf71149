"""Persons as they are shown: masked, within the caller's scope; the number in full only through `revealed`, after it was written down."""

from datetime import date, datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.facts import place_of
from services.roster.models.refusals import PersonUnknown
from services.roster.queries.establishments import Moment
from shared.auth import Who
from shared.crypto import FieldCipher, masked_id_number
from shared.db import Connection
from shared.unit_copies import scope


class PlacementView(BaseModel):
    """A person's post; `ended_on` is the day of exit."""

    placement_id: UUID
    unit_id: UUID
    kind: str
    funding: str
    started_on: date
    ended_on: date | None
    entry_reason: str
    exit_reason: str | None
    seat_level: str | None
    authorisation_no: str | None
    authorised_on: date | None
    over_quota_cause: str | None
    transfer_id: UUID | None
    document_no: str | None


class RecordedPlacement(PlacementView):
    """One version of a placement: what we knew between two instants."""

    recorded_from: datetime
    recorded_until: datetime | None


class PersonView(BaseModel):
    """A person, the number masked, with the post held at the moment asked about."""

    person_id: UUID
    name: str
    id_number: str
    sex: str
    birth_on: date
    certified_birth_on: date | None
    identity: str
    post_category: str
    title: str | None
    professional_title: str | None
    retirement_category: str | None
    placement: PlacementView | None


class Revealed(BaseModel):
    """The one answer that holds a number in full."""

    name: str
    id_number: str


async def ensure_visible(conn: Connection, person_id: UUID, who: Who) -> None:
    """The person exists and belongs to a unit in the caller's scope; for the others there is none."""
    seen = await conn.fetchval(
        "SELECT true FROM persons JOIN units ON units.id = persons.unit_id WHERE persons.id = $1 AND ($2::uuid[] IS NULL OR path && $2)",
        person_id,
        scope(who),
    )
    if not seen:
        raise PersonUnknown(person=person_id)


async def person_view(conn: Connection, cipher: FieldCipher, person_id: UUID, who: Who, moment: Moment) -> PersonView:
    """One person with the placement of a day, as known at an instant."""
    await ensure_visible(conn, person_id, who)
    row = await conn.fetchrow(f"{_PERSON} WHERE person_id = $3 AND {_KNOWN}", moment.on, moment.known, person_id)
    if row is None:
        raise PersonUnknown(person=person_id)
    return _view(cipher, row)


async def persons_of(
    conn: Connection, cipher: FieldCipher, unit_id: UUID, moment: Moment, after: UUID | None, limit: int
) -> list[PersonView]:
    """Who is on a unit's establishment on a day, as known at an instant, by person id."""
    rows = await conn.fetch(
        f"{_PERSON} WHERE {_KNOWN} AND unit_id = $3 AND ($4::uuid IS NULL OR person_id > $4) ORDER BY person_id LIMIT $5",
        moment.on,
        moment.known,
        unit_id,
        after,
        limit,
    )
    return [_view(cipher, row) for row in rows]


async def history(conn: Connection, person_id: UUID, who: Who) -> list[RecordedPlacement]:
    """Every version of every placement of a person, as they were recorded."""
    await ensure_visible(conn, person_id, who)
    rows = await conn.fetch(
        f"SELECT {_PLACEMENT}, lower(recorded) AS recorded_from, upper(recorded) AS recorded_until FROM placements"
        " WHERE person_id = $1 ORDER BY lower(recorded), lower(during)",
        person_id,
    )
    return [RecordedPlacement(**row) for row in rows]


async def revealed(conn: Connection, cipher: FieldCipher, person_id: UUID) -> Revealed:
    """Name and number in full. The caller has recorded who asks and why."""
    row = await conn.fetchrow("SELECT name, id_number FROM person_records WHERE person_id = $1 AND upper_inf(recorded)", person_id)
    if row is None:
        raise PersonUnknown(person=person_id)
    return Revealed(name=row["name"], id_number=cipher.decrypt(row["id_number"], place_of(person_id)))


def _view(cipher: FieldCipher, row: asyncpg.Record) -> PersonView:
    fields = dict(row)
    fields["id_number"] = masked_id_number(cipher.decrypt(fields["id_number"], place_of(row["person_id"])))
    return PersonView(**fields, placement=PlacementView(**fields) if fields["placement_id"] else None)


_PLACEMENT = (
    "placement_id, unit_id, kind, funding, lower(during) AS started_on, upper(during) AS ended_on, entry_reason, exit_reason, seat_level,"
    " authorisation_no, authorised_on, over_quota_cause, transfer_id, document_no"
)
_KNOWN = "recorded @> coalesce($2::timestamptz, 'infinity')"
_PERSON = f"""
    SELECT person_records.person_id, name, id_number, sex, birth_on, certified_birth_on, identity, post_category, title, professional_title,
        retirement_override AS retirement_category, post.*
    FROM person_records LEFT JOIN LATERAL (
        SELECT {_PLACEMENT} FROM placements WHERE placements.person_id = person_records.person_id
            AND during @> coalesce($1::date, 'infinity') AND placements.{_KNOWN}
    ) AS post ON true
"""

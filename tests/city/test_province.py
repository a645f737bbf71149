"""The large city for measurements stands in the tables as a load would have left it, and is refused where it does not belong."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from deploy.city import province
from deploy.city.bare_tables import without_indexes
from deploy.city.city import SEED, city_of
from deploy.city.invented import Inventor
from deploy.local.place import Place, WrongPlace
from services.roster.models.facts import place_of
from shared.clock import at_hour
from shared.crypto import FieldCipher, RingFile
from shared.law.citizen_id import parse_citizen_id

pytestmark = pytest.mark.asyncio
DAY = date(2026, 9, 18)
UNITS, PERSONS = 62, 2_500


async def filled(stack: Place, address: str) -> tuple[FieldCipher, list[tuple[int, int]]]:
    cipher, told = FieldCipher(RingFile(stack.home / "secrets" / "field.keys")), []

    def tell(units: int, persons: int) -> None:
        told.append((units, persons))

    await province.fill_tables(address, cipher, at_hour(DAY, 9), UNITS, PERSONS, tell)
    return cipher, told


async def test_every_row_of_posts_has_the_people_that_the_city_gave_it(stack: Place, database: Callable[[str], str]) -> None:
    cipher, told = await filled(stack, database("bianban"))
    conn = await asyncpg.connect(database("roster"))
    rows = await conn.fetch(
        "SELECT units.name, quotas.posts, count(placements) AS heads FROM roster.quotas JOIN roster.units ON units.id = quotas.unit_id"
        " LEFT JOIN roster.placements USING (unit_id, kind, funding) GROUP BY units.name, quotas.id ORDER BY units.name, posts, heads"
    )
    [person] = await conn.fetch(
        "SELECT person_id, id_number, birth_on, id_index, key_id FROM roster.person_records"
        " JOIN roster.person_indexes USING (person_id) LIMIT 1"
    )
    await conn.close()
    made = city_of(UNITS, PERSONS, SEED, DAY, Inventor("province/0", part=0, parts=2))
    short_of = {answer.unit for answer in made.answers if answer.rule == "M12"}
    planned = sorted((unit.name, row.posts, row.heads) for unit in made.units for row in unit.quotas)
    number = parse_citizen_id(cipher.decrypt(person["id_number"], place_of(person["person_id"])))

    assert told == [(UNITS, PERSONS - len(short_of))]
    assert len(rows) == len(planned)
    assert [each for each in planned if each[0] not in short_of and _prefixed(each) not in {tuple(row) for row in rows}] == []
    assert (number.born_on, cipher.indexes(number.number)) == (person["birth_on"], {person["key_id"]: person["id_index"]})


async def test_it_is_refused_where_units_are_already(stack: Place, database: Callable[[str], str]) -> None:
    await filled(stack, database("bianban"))

    with pytest.raises(WrongPlace, match="系统中已有单位"):
        await filled(stack, database("bianban"))


async def test_it_is_refused_in_production(stack: Place) -> None:
    with pytest.raises(WrongPlace, match="生产环境"):
        await province.fill(replace(stack, environment="production"), UNITS, PERSONS, lambda *_: None)


def _prefixed(row: tuple[str, int, int]) -> tuple[str, int, int]:
    name, *numbers = row
    return (name if "望汐市" in name else f"望汐市{name}", *numbers)  # type: ignore[return-value]  # two numbers


async def test_what_is_filled_without_indexes_has_them_again_afterwards(database: Callable[[str], str]) -> None:
    conn = await asyncpg.connect(database("bianban"))
    before = await _guards(conn)

    with suppress(LookupError):
        async with without_indexes(conn, "roster", ["persons", "person_records", "placements"]):
            within = await _guards(conn)
            raise LookupError
    after = await _guards(conn)
    await conn.close()

    assert after == before
    assert not [guard for guard in within if guard.startswith(("EXCLUDE", "FOREIGN KEY", "CREATE INDEX"))]


async def test_what_a_killed_filling_took_away_is_put_back_by_the_next_one(stack: Place, database: Callable[[str], str]) -> None:
    address = database("bianban")
    conn = await asyncpg.connect(address)
    before = await _guards(conn)
    killed = without_indexes(conn, "roster", ["persons", "person_records", "placements"])
    await killed.__aenter__()
    within = await _guards(conn)
    conn.terminate()  # as by kill -9: nothing is put back
    await filled(stack, address)

    with pytest.raises(WrongPlace, match="系统中已有单位"):
        await filled(stack, address)
    conn = await asyncpg.connect(address)
    after = await _guards(conn)
    left = await conn.fetchval("SELECT to_regclass('public.taken_away')")
    await conn.close()

    assert len(within) < len(before)
    assert (after, left) == (before, None)


async def _guards(conn: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    rows = await conn.fetch(
        "SELECT pg_get_indexdef(indexrelid) AS said FROM pg_index WHERE indrelid = ANY($1::text[]::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) UNION"
        " SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = ANY($1::text[]::regclass[])",
        ["roster.persons", "roster.person_records", "roster.placements"],
    )
    return {row["said"] for row in rows}

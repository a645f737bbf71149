"""The light board: units by rules, and what turns while one watches."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.local.place import Place
from services.monitoring.queries.board import Chosen, board, last_turn, turned, turns_mark
from shared.auth import Who
from shared.glossary import Light, OverQuotaCause, Role
from tests.monitoring.events import Town
from tests.monitoring.house import OFFICER, house
from tests.monitoring.tables import Tables

pytestmark = pytest.mark.asyncio


def clerk_of(town: Town) -> Who:
    return Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (town.unit_id,))


async def test_a_row_says_what_each_rule_found_and_a_full_row_is_no_issue(tables: Tables) -> None:
    over, full, quiet = Town(), Town(quota=11), Town(quota=20)
    await tables.see(over.registered(), over.over_quota(), full.registered(), full.placed(), quiet.registered(), quiet.placed())

    async with tables.database.reading() as conn:
        found = await board(conn, OFFICER, Chosen(), None, 10)

    rows = {row.unit_id: row for row in found.items}
    assert [rule.code for rule in found.rules] == ["M01", "M02", "M07", "M09"]
    assert [(each.rule, each.label, each.issues, each.state_label) for each in rows[over.unit_id].issues] == [("M01", "红灯", 1, "待核实")]
    assert (rows[over.unit_id].light, rows[full.unit_id].light, rows[quiet.unit_id].light) == (Light.RED, Light.GREEN, Light.GREEN)
    assert (rows[full.unit_id].issues, [each.title for each in rows[full.unit_id].remarks]) == ([], ["满编（先出后进）"])
    assert (rows[quiet.unit_id].issues, rows[quiet.unit_id].remarks) == ([], [])


async def test_the_board_is_narrowed_by_colour_rule_subtree_and_name_and_never_widened_beyond_ones_units(tables: Tables) -> None:
    over, quiet = Town(), Town(quota=20)
    await tables.see(over.registered(), over.over_quota(), quiet.registered(), quiet.placed())

    async def shown(who: Who, chosen: Chosen) -> set[object]:
        async with tables.database.reading() as conn:
            return {row.unit_id for row in (await board(conn, who, chosen, None, 10)).items}

    assert await shown(OFFICER, Chosen(color=Light.RED)) == {over.unit_id}
    assert await shown(OFFICER, Chosen(unit=over.unit_id, rule="M01")) == {over.unit_id}
    assert await shown(OFFICER, Chosen(rule="M09")) == set()
    assert await shown(OFFICER, Chosen(name="临江")) == {over.unit_id, quiet.unit_id}
    assert await shown(OFFICER, Chosen(name="%")) == set()
    assert await shown(clerk_of(quiet), Chosen()) == {quiet.unit_id}
    assert await shown(clerk_of(quiet), Chosen(unit=over.unit_id)) == set()


async def test_the_worst_stands_first_page_after_page_and_the_counts_are_of_the_whole_choice(tables: Tables) -> None:
    quiet, planned, over = Town(quota=20), Town(), Town()
    await tables.see(quiet.registered(), planned.registered(), planned.over_quota(OverQuotaCause.POLICY))
    await tables.see(over.registered(), over.over_quota())

    shown, after = [], None
    async with tables.database.reading() as conn:
        for _ in range(3):
            page = await board(conn, OFFICER, Chosen(), after, 1)
            shown += [row.unit_id for row in page.items]
            after = page.items[-1].unit_id
        last = await board(conn, OFFICER, Chosen(), after, 1)
        red = await board(conn, OFFICER, Chosen(color=Light.RED), None, 10)
        own = await board(conn, clerk_of(quiet), Chosen(), None, 10)

    assert shown == [over.unit_id, planned.unit_id, quiet.unit_id]
    assert (last.items, last.next) == ([], None)
    assert {each.code: each.count for each in red.lights} == {Light.RED: 1, Light.YELLOW: 1, Light.GREEN: 1, Light.UNVERIFIED: 0}
    assert [(each.code, each.units) for each in red.rules] == [("M01", 2), ("M02", 0), ("M07", 0), ("M09", 0)]
    assert {each.code: each.count for each in own.lights if each.count} == {Light.GREEN: 1}
    assert {each.units for each in own.rules} == {0}


async def test_what_has_turned_is_told_once_and_to_those_who_may_see_the_unit(tables: Tables) -> None:
    before, after = Town(), Town()
    await tables.see(before.registered(), before.over_quota())
    async with tables.database.reading() as conn:
        start = await last_turn(conn)
    await tables.see(after.registered(), after.over_quota())

    async with tables.database.reading() as conn:
        news = await turned(conn, OFFICER, start, ())
        again = await turned(conn, OFFICER, start, [each.number for each in news])
        elsewhere = await turned(conn, clerk_of(before), start, ())

    assert [(each.unit_id, each.before, each.light, each.label) for each in news] == [(after.unit_id, Light.GREEN, Light.RED, "红灯")]
    assert "超编 1 名" in news[0].matters[0]
    assert (again, elsewhere) == ([], [])


async def test_the_mark_of_all_changes_stands_until_one_is_committed_also_one_with_a_lower_number(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered())

    async def mark() -> tuple[int, int]:
        async with tables.database.glancing() as conn:
            return await turns_mark(conn)

    async def number(place: int) -> None:
        await tables.database.pool.execute(
            "INSERT INTO light_changes (id, unit_id, light, before, reasons, since, until) OVERRIDING SYSTEM VALUE"
            " SELECT $1, unit_id, 'red', 'green', '[]', now(), now() FROM lights LIMIT 1",
            place,
        )

    empty = await mark()
    await tables.see(town.over_quota())
    first, again = await mark(), await mark()
    await number(1_000)
    higher = await mark()
    await number(999)
    lower = await mark()

    assert empty == (0, 0)
    assert first == again
    assert len({empty, first, higher, lower}) == 4


async def test_who_watches_sees_a_light_turn_and_who_comes_back_misses_nothing(
    stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path
) -> None:
    async with house(stack, database, kafka, tmp_path) as monitoring:
        first, second = Town(), Town()
        calendar = await monitoring.get(OFFICER, "/calendar", year=2026)
        assert (calendar["published"], "2026-10-01" in calendar["off"], "2026-10-10" in calendar["work"]) == (True, True, True)
        async with asyncio.timeout(60):
            async with monitoring.http.stream("GET", "/lights/changes", headers=monitoring._headers(OFFICER)) as stream:
                events = _events(stream)
                await monitoring.publish(first.registered(), first.over_quota(person=uuid4()))
                number, seen = await anext(events)
            await monitoring.publish(second.registered(), second.over_quota(person=uuid4()))
            headers = monitoring._headers(OFFICER) | {"last-event-id": number}
            async with monitoring.http.stream("GET", "/lights/changes", headers=headers) as stream:
                _, missed = await anext(_events(stream))

    assert (seen["unit_id"], seen["light"]) == (str(first.unit_id), "red")
    assert missed["unit_id"] == str(second.unit_id)


async def _events(stream: httpx.Response) -> AsyncIterator[tuple[str, dict[str, object]]]:
    number = ""
    async for line in stream.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            number = value
        elif name == "data":
            yield number, json.loads(value)

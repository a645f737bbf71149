"""Issues, editions and freeze orders of a unit: with all below it, or of the unit alone; and what they cannot be narrowed by."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI

from services.monitoring.api import ROUTERS
from services.monitoring.api.turns import Turns
from services.monitoring.commands.lists import issue_list
from services.monitoring.models.requests import IssueList
from services.monitoring.queries import freezes, issues, lists
from services.monitoring.queries.exports import EXPORTS, freezes_source, supervision_source, work_source
from shared.auth import UNIT, Tokens, Who
from shared.clock import Clock
from shared.db import Connection
from shared.exports.lists import ASKED_AT, Source
from shared.glossary import Role
from shared.http import serve, service_app
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CIPHER, MONDAY, OFFICER, Tables, by

pytestmark = pytest.mark.asyncio
PRIVATE = ec.generate_private_key(ec.SECP256R1())


@pytest_asyncio.fixture
async def http(tables: Tables) -> AsyncIterator[httpx.AsyncClient]:
    """All doors, for an officer; nothing that moves stands behind them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    public = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    tokens = Tokens(public, PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    app = service_app("monitoring", lifespan)
    app.state.database, app.state.tokens, app.state.clock, app.state.cipher = tables.database, tokens, Clock(None), CIPHER
    app.state.temporal = app.state.surroundings = app.state.folder = app.state.shelf = None
    app.state.turns, app.state.exports = Turns(), EXPORTS
    serve(app, ROUTERS)
    headers = {"authorization": f"Bearer {tokens.issue(OFFICER, datetime.now(UTC))}", "idempotency-key": f"request-{uuid4()}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://monitoring", headers=headers) as client:
        yield client


async def freeze(tables: Tables, unit_id: UUID) -> None:
    await tables.database.pool.execute(
        "INSERT INTO freeze_orders (id, unit_id, scopes, state, reason, proposed_by, proposed_at)"
        " VALUES ($1, $2, '{entry}', 'freeze_proposed', '', 'officer-shen', $3)",
        uuid4(),
        unit_id,
        NOW,
    )


async def units_of(tables: Tables, **asked: str) -> list[set[UUID]]:
    """Of which units the issues, the editions and the orders are."""
    async with tables.database.reading() as conn:
        pages = (
            await issues.issues(conn, OFFICER, issues.Wanted.model_validate(asked), NOW, CIPHER),
            await lists.lists(conn, OFFICER, lists.Wanted.model_validate(asked)),
            await freezes.freeze_orders(conn, OFFICER, freezes.Wanted.model_validate(asked)),
        )
    return [{each.unit_id for each in page.items} for page in pages]


async def test_a_unit_is_asked_about_with_all_below_it_or_alone(tables: Tables) -> None:
    town, school = Town(), Town()
    below = school.registered().model_copy(update={"parent_id": town.unit_id, "path": (town.unit_id, school.unit_id)})
    await tables.see(town.registered(), below, town.over_quota(), school.over_quota())
    for each in (town.unit_id, school.unit_id):
        await issue_list(tables.database, by(), IssueList(unit_id=each, iso_week="2026-W38", nominal=MONDAY, made_at=MONDAY))
        await freeze(tables, each)

    for with_all in ({}, {"below": "true"}):
        assert await units_of(tables, unit=str(town.unit_id), **with_all) == [{town.unit_id, school.unit_id}] * 3
    assert await units_of(tables, unit=str(town.unit_id), below="false") == [{town.unit_id}] * 3
    assert await units_of(tables, unit=str(school.unit_id), below="false") == [{school.unit_id}] * 3
    assert await units_of(tables, below="false") == [{town.unit_id, school.unit_id}] * 3


@pytest.mark.parametrize("sort", ["issued", "-issued", "unit", "-unit"])
async def test_pages_of_one_edition_or_order_each_tell_every_one_once_in_the_order_of_one_long_page(tables: Tables, sort: str) -> None:
    towns = [Town(), Town(), Town()]  # of one name: the id decides
    for town in towns:
        await tables.see(town.registered(), town.over_quota())
        await issue_list(tables.database, by(), IssueList(unit_id=town.unit_id, iso_week="2026-W38", nominal=MONDAY, made_at=MONDAY))
        await freeze(tables, town.unit_id)

    async with tables.database.reading() as conn:
        paged: tuple[tuple[Any, Any, str], ...] = (
            (lists.lists, lists.Wanted, sort),
            (freezes.freeze_orders, freezes.Wanted, sort.replace("issued", "proposed")),
        )
        for whole, asked, order in paged:
            seen, after = [], None
            while (page := await whole(conn, OFFICER, asked(sort=order, limit=1, after=after))).next:
                seen += [each.id for each in page.items]
                after = UUID(page.next)
            assert seen == [each.id for each in (await whole(conn, OFFICER, asked(sort=order))).items]
            assert len(seen) == len(towns)
            assert not (await whole(conn, OFFICER, asked(sort=order, after=uuid4()))).items, "behind one that is not there stands nothing"


@pytest.mark.parametrize(
    ("role", "known"),
    [
        (Role.UNIT_HEAD, [0, 0]),
        (Role.PARENT_UNIT, [0, 0]),
        (Role.OBSERVER, [0, 0]),
        (Role.COMMISSION, [0, 1]),
        (Role.BUSINESS_OFFICER, [1, 1]),
    ],
)
async def test_drafts_of_lists_and_proposals_of_freezes_are_for_those_alone_who_decide_them(
    tables: Tables, role: Role, known: list[int]
) -> None:
    """Must fail when a page, a work list or an export tells a unit what was not sealed or signed."""
    town, filters = Town(), {ASKED_AT: NOW}
    who = Who("somebody", frozenset({role}), (town.unit_id,) if role in UNIT else None)
    await tables.see(town.registered(), town.over_quota())
    await issue_list(tables.database, by(), IssueList(unit_id=town.unit_id, iso_week="2026-W38", nominal=MONDAY, made_at=MONDAY))
    await freeze(tables, town.unit_id)

    async with tables.database.reading() as conn:
        editions = await lists.lists(conn, who, lists.Wanted())
        orders = await freezes.freeze_orders(conn, who, freezes.Wanted())
        work = await _column(conn, "m.kind", work_source(who, filters))
        lines = await _column(conn, "l.id", supervision_source(who, filters))
        frozen = await _column(conn, "o.id", freezes_source(who, filters))

    assert [len(editions.items), len(orders.items)] == [work.count("list"), work.count("freeze")] == known
    assert [len(lines), len(frozen)] == known


async def _column(conn: Connection, column: str, source: Source) -> list[object]:
    return [row[0] for row in await conn.fetch(f"SELECT {column} {source.rows}", *source.parameters)]


async def test_a_code_that_nothing_can_have_is_refused_with_those_that_there_are(http: httpx.AsyncClient) -> None:
    for path, asked, said in (
        (
            "/issues",
            {"rule": "M99"},
            "筛选条件 rule（规则）不能是这个值。可用：M01（超编）、M02（超职数）、M07（先进人后核编）、M09（出编超期）。",
        ),
        ("/lights/matrix", {"rule": "超编"}, "M01（超编）"),
        ("/tasks", {"state": "整改中"}, "rectifying（整改中）"),
    ):
        answer = await http.get(path, params=asked)
        assert (answer.status_code, answer.json()["code"]) == (409, "export_filter_value_unknown")
        assert said in answer.json()["detail"]


async def test_a_rule_that_found_nothing_and_a_name_that_nothing_has_make_an_empty_page(http: httpx.AsyncClient) -> None:
    for path, asked in (
        ("/issues", {"rule": "M09", "q": "没有"}),
        ("/lights/matrix", {"rule": "M01", "name": "没有"}),
        ("/tasks", {"state": "in_force", "q": "没有"}),
        ("/tasks", {"state": "awaiting_seal"}),
        ("/supervision-lists", {"week": "2026-W53", "q": "没有"}),
    ):
        answer = await http.get(path, params=asked)
        assert (answer.status_code, answer.json()["items"]) == (200, []), answer.text


async def test_a_week_that_is_none_is_refused_with_how_one_is_written(http: httpx.AsyncClient) -> None:
    for week in ("x", "2026-W00", "2025-W53", "２０２６-W38"):
        page = (await http.get("/supervision-lists", params={"week": week})).json()
        file = (await http.post("/exports", json={"list": "supervision", "filters": {"week": week}})).json()
        assert page["fields"] == [{"field": "week", "reason": "应为某年的第几周，如 2026-W49"}]
        assert file["detail"] == "筛选条件 week（期次）不能是这个值。可用：格式如 2026-W49。"
    assert (await http.post("/exports", json={"list": "issues", "filters": {"rule": "M99"}})).json()["code"] == file["code"]

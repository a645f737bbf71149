"""The roster's own database: one for all its tests, emptied (but for the codes) before each."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.local.place import Place
from deploy.migrate import Superuser, open_to_services
from services.roster.app import create_app
from services.roster.queries.exports import EXPORTS
from shared import db
from shared.auth import Tokens
from shared.clock import Clock
from shared.db import Database
from shared.exports.running import Office as ExportOffice
from shared.exports.shelf import Shelf
from tests import secret_files
from tests.exports.exporting import working
from tests.imports.rows import person
from tests.roster import given
from tests.roster.comparing import Upper
from tests.roster.doors import Doors
from tests.roster.exporting import House
from tests.roster.importing import Office
from tests.roster.test_provincial import FULL, Desk

_EMPTY = """
DO $$ DECLARE tables regclass[]; each regclass; BEGIN
    SELECT array_agg(oid::regclass) INTO tables FROM pg_class WHERE relnamespace = 'roster'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('schema_migrations', 'unit_categories', 'establishment_kinds', 'fundings',
            'entry_reasons', 'exit_reasons', 'allowed_kinds', 'codes', 'parameters');
    IF (SELECT sum(pg_relation_size(name)) FROM unnest(tables) AS name) > 8 * 1024 * 1024 THEN
        EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ');
    ELSE
        SET LOCAL session_replication_role = replica;
        FOREACH each IN ARRAY tables LOOP EXECUTE 'DELETE FROM ' || each; END LOOP;
    END IF;
END $$
"""
"""Row by row and past the triggers: to make each table's files anew costs three times as much, and is done when they have grown."""
_OWN_CODES = "DELETE FROM roster.codes USING roster.code_additions own WHERE codes.set = own.set AND codes.code = own.code"
_OWN_LIMITS = "DELETE FROM roster.parameters WHERE NOT lower_inf(valid); UPDATE roster.parameters SET valid = daterange(NULL, NULL)"
"""The office's limits are those that a migration brought, each from ever and for ever."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def roster_home(stack: Place, superuser: Superuser) -> AsyncIterator[str]:
    """The name of a migrated database. Whoever serves it has the keys of the tests: no other ring opens what they write by themselves."""
    secret_files.write(stack.secrets / "field.keys", given.CIPHER.ring.text())
    name = f"roster_{uuid.uuid4().hex[:12]}"
    await superuser.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy OWNER bianban")
    await open_to_services(superuser, name)
    yield name
    await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sweeper(stack: Place, roster_home: str) -> AsyncIterator[Superuser]:
    """Who empties that database: a connection that has emptied it once does so in an eighth of the time."""
    connection = await asyncpg.connect(stack.database_url("postgres", roster_home))
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def swept(sweeper: Superuser) -> None:
    """The roster is empty."""
    await sweeper.execute(f"{_OWN_CODES}; {_OWN_LIMITS}")
    await sweeper.execute(_EMPTY)


@pytest_asyncio.fixture
async def roster_db(stack: Place, roster_home: str, swept: None) -> AsyncIterator[Database]:  # noqa: ARG001  emptied first
    """The empty roster, as its own login sees it."""
    async with db.connect(stack.database_url("roster", roster_home), "roster", size=20) as connected:
        yield connected


@pytest_asyncio.fixture
async def doors(
    stack: Place,
    roster_home: str,
    roster_db: Database,  # noqa: ARG001  emptied first
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Doors]:
    for name, value in stack.variables("roster").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROSTER_DATABASE_URL", stack.database_url("roster", roster_home))
    secrets = stack.home / "secrets"
    tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
    app = create_app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://roster") as http,
    ):
        yield Doors(http, tokens)


@pytest.fixture
def office(roster_db: Database, tmp_path: Path) -> Office:
    """Who brings files."""
    return Office(roster_db, tmp_path)


@pytest_asyncio.fixture
async def idle(
    stack: Place, roster_home: str, roster_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Nobody writes what is asked for."""
    for name, value in stack.variables("roster").items():
        monkeypatch.setenv(name, value)
    url = stack.database_url("roster", roster_home)
    monkeypatch.setenv("ROSTER_DATABASE_URL", url)
    secrets = stack.home / "secrets"
    tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
    app = create_app()
    app.state.cipher, app.state.shelf = given.CIPHER, Shelf(tmp_path / "shelf", given.CIPHER)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://roster") as http,
    ):
        office = ExportOffice(roster_db, url, EXPORTS, app.state.shelf, Clock(None), timedelta(days=7), "演示数据")
        yield House(Doors(http, tokens), office)


@pytest_asyncio.fixture
async def house(idle: House) -> AsyncIterator[House]:
    """With a worker."""
    async with working(idle.office):
        yield idle


@pytest_asyncio.fixture
async def upper(stack: Place, roster_home: str, roster_db: Database, tmp_path: Path) -> AsyncIterator[Upper]:
    """Two units, three people, and the upper level knows them all."""
    desk = Desk(roster_db, stack.database_url("roster", roster_home), tmp_path)
    async with working(desk.exports):
        await desk.fill([FULL, person(1, 姓名="李示例"), person(2, 姓名="王示例")])
        yield await Upper(desk).copy()

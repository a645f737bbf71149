"""Migrations run once, in order, each service in a schema of its own; history cannot be edited, and a service cannot change its tables."""

import asyncio
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy import migrate as job
from deploy.audit import AUDITED
from deploy.local.place import PROJECT, SERVICES, Place, Service, WrongPlace
from deploy.migrate import EditedMigration, Migration, migrate, not_applied
from shared.audit.models import GIVEN_UP, Audited

FIRST = "-- migrate:up\nSET LOCAL lock_timeout = '5s';\nCREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);\n"
SECOND = "-- migrate:up\nSET LOCAL lock_timeout = '5s';\nALTER TABLE things ADD COLUMN name text;\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The kit's migrations and one service with a migration."""
    shutil.copytree(PROJECT / "shared" / "migrations", tmp_path / "shared" / "migrations")
    folder = tmp_path / "services" / "roster" / "migrations"
    folder.mkdir(parents=True)
    (folder / "1001_things.sql").write_text(FIRST)
    return tmp_path


@pytest.fixture
def name() -> str:
    return f"migrated_{uuid.uuid4().hex[:8]}"


@pytest.mark.asyncio
async def test_what_is_new_is_applied_once_after_the_kit(stack: Place, tree: Path, name: str) -> None:
    kit = [f"roster: {path.name}" for path in sorted((tree / "shared" / "migrations").glob("*.sql"))]

    assert await migrate(stack, name, tree) == [*kit, "roster: 1001_things.sql"]
    assert await migrate(stack, name, tree) == []
    (tree / "services" / "roster" / "migrations" / "1002_name.sql").write_text(SECOND)
    assert await migrate(stack, name, tree) == ["roster: 1002_name.sql"]

    roster = await asyncpg.connect(stack.database_url("roster", name))
    await roster.execute("INSERT INTO things (name) VALUES ('one')")
    assert await roster.fetchval("SELECT name FROM things") == "one"
    await roster.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("change", [lambda path: path.write_text(SECOND), lambda path: path.unlink()], ids=["edited", "gone"])
async def test_an_applied_migration_that_was_changed_is_refused_by_name(
    stack: Place, tree: Path, name: str, change: Callable[[Path], object]
) -> None:
    await migrate(stack, name, tree)
    change(tree / "services" / "roster" / "migrations" / "1001_things.sql")

    with pytest.raises(EditedMigration, match=r"1001_things\.sql"):
        await migrate(stack, name, tree)


@pytest.mark.asyncio
async def test_a_new_file_is_known_as_not_applied_until_it_is(stack: Place, tree: Path, name: str) -> None:
    await migrate(stack, name, tree)
    assert await not_applied(stack, name, tree) == []
    (tree / "services" / "roster" / "migrations" / "1002_name.sql").write_text(SECOND)

    assert await not_applied(stack, name, tree) == ["roster/1002_name.sql"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("newer", "said"),
    [(True, "先运行 bianban down，再运行 bianban up"), (False, "迁移文件不见了.*本程序比数据旧.*请先运行 bianban down.*bianban restore")],
)
async def test_up_on_a_stack_that_runs_on_other_tables_is_refused(
    stack: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer: bool, said: str
) -> None:
    await migrate(stack)
    known, tomorrow = job._all(PROJECT), tmp_path / "9999_of_tomorrow.sql"
    tomorrow.write_text(SECOND)
    monkeypatch.setattr(job, "_all", lambda _: [*known, Migration("roster", tomorrow)] if newer else known[:-1])
    for variable, value in stack.variables().items():
        monkeypatch.setenv(variable, value)

    refused = await asyncio.to_thread(CliRunner().invoke, cli.app, ["up", "--city", "none"])

    assert isinstance(refused.exception, WrongPlace)
    assert re.search(said, str(refused.exception))
    assert "全部就绪" not in refused.output


@pytest.mark.asyncio
async def test_a_migration_that_fails_leaves_nothing_behind_and_is_applied_when_mended(stack: Place, tree: Path, name: str) -> None:
    await migrate(stack, name, tree)
    second = tree / "services" / "roster" / "migrations" / "1002_name.sql"
    second.write_text(SECOND + "ALTER TABLE no_such_table ADD COLUMN name text;\n")
    with pytest.raises(RuntimeError, match="no_such_table"):
        await migrate(stack, name, tree)

    second.write_text(SECOND)

    assert await migrate(stack, name, tree) == ["roster: 1002_name.sql"]


@pytest.mark.asyncio
async def test_a_job_that_died_before_it_took_the_rights_takes_them_the_next_time(
    stack: Place, tree: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(job, "_take_rights", dies)
        with pytest.raises(ConnectionError):
            await migrate(stack, name, tree)

    await migrate(stack, name, tree)

    assert await _may_change_the_log(stack, name) is False


@pytest.mark.asyncio
async def test_rights_that_came_back_are_taken_where_nothing_is_to_be_applied(stack: Place, tree: Path, name: str) -> None:
    await migrate(stack, name, tree)
    superuser = await asyncpg.connect(stack.database_url("postgres", name))
    await superuser.execute("GRANT UPDATE, DELETE ON roster.event_log TO roster")
    await superuser.close()
    assert await _may_change_the_log(stack, name) is True

    assert await migrate(stack, name, tree) == []

    assert await _may_change_the_log(stack, name) is False


async def _may_change_the_log(stack: Place, name: str) -> bool:
    roster = await asyncpg.connect(stack.database_url("roster", name))
    try:
        changes = ("UPDATE event_log SET actor = 'somebody else'", "DELETE FROM event_log")
        return not all([await refused(roster, statement) for statement in changes])
    finally:
        await roster.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("broken", ["roster", "approval"])
async def test_what_was_applied_before_another_file_failed_cannot_be_edited(stack: Place, tree: Path, name: str, broken: str) -> None:
    await migrate(stack, name, tree)
    applied, failing = (tree / "services" / service / "migrations" for service in ("roster", broken))
    failing.mkdir(parents=True, exist_ok=True)
    (applied / "1002_name.sql").write_text(SECOND)
    (failing / "1003_broken.sql").write_text("-- migrate:up\nALTER TABLE no_such_table ADD COLUMN name text;\n")
    with pytest.raises(RuntimeError, match="no_such_table"):
        await migrate(stack, name, tree)

    (applied / "1002_name.sql").write_text(SECOND + "-- edited\n")

    with pytest.raises(EditedMigration, match=r"1002_name\.sql"):
        await migrate(stack, name, tree)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE things ADD COLUMN more int",
        "UPDATE event_log SET actor = 'somebody else'",
        "DELETE FROM event_log",
        "TRUNCATE event_log",
        "INSERT INTO schema_migrations (version) VALUES ('9999')",
        "SELECT * FROM approval.outbox",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
    ],
)
async def test_a_service_may_not(stack: Place, tree: Path, name: str, statement: str) -> None:
    (tree / "services" / "approval").mkdir()
    await migrate(stack, name, tree)
    roster = await asyncpg.connect(stack.database_url("roster", name))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await roster.execute(statement)

    await roster.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_has_its_own_tables_and_no_other(service: Service, database: Callable[[str], str]) -> None:
    owner = await asyncpg.connect(database("postgres"))
    tables = await owner.fetch("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)", list(SERVICES))
    await owner.close()
    others = [f"SELECT FROM {each['schemaname']}.{each['tablename']}" for each in tables if each["schemaname"] != service]
    own = [
        *("UPDATE event_log SET actor = 'somebody else'", "DELETE FROM event_log", "TRUNCATE event_log", "DROP TABLE outbox"),
        *("ALTER TABLE inbox ADD COLUMN more int", "CREATE TABLE mine (id int)", "CREATE TEMP TABLE mine (id int)"),
        *("SET ROLE bianban", "SET ROLE postgres", "CREATE ROLE mine", "ALTER SCHEMA public RENAME TO mine"),
    ]
    login = await asyncpg.connect(database(service))
    done = [statement for statement in (*others, *own) if not await refused(login, statement)]
    await login.close()

    assert len(others) > 50
    assert done == []


@pytest.mark.asyncio
async def test_a_service_reaches_no_other_database_of_the_cluster(stack: Place, tree: Path, name: str) -> None:
    superuser = await asyncpg.connect(stack.database_url("postgres", "postgres"))
    for other in ("postgres", "template1"):
        await superuser.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {other} TO PUBLIC")  # as initdb leaves it

    await migrate(stack, name, tree)

    for service in SERVICES:
        for other in ("postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(stack.database_url(service, other))
    await superuser.close()


async def refused(login: asyncpg.Connection, statement: str) -> bool:
    try:
        await login.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    return False


@pytest.mark.asyncio
async def test_a_clone_for_a_test_keeps_the_rights_of_the_template(database: Callable[[str], str]) -> None:
    roster = await asyncpg.connect(database("roster"))
    for statement in ("CREATE TABLE mine (id int)", "CREATE TEMP TABLE mine (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await roster.execute(statement)
    await roster.close()


OPEN = """
    WITH refused AS (
        SELECT tgtype & 16 > 0 AS change, tgtype & 8 > 0 AS deletion, tgattr::int2[] AS columns FROM pg_trigger
        WHERE tgrelid = $1::regclass AND pg_get_triggerdef(oid) LIKE '%BEFORE%refuse_change%' AND tgqual IS NULL
    )
    SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attname = ANY($3) AND has_column_privilege($2, $1::regclass, attname, 'UPDATE')
      AND NOT EXISTS (SELECT FROM refused WHERE change AND (cardinality(columns) = 0 OR attnum = ANY(columns)))
    UNION SELECT 'DELETE' WHERE has_table_privilege($2, $1::regclass, 'DELETE') AND NOT EXISTS (SELECT FROM refused WHERE deletion)
    UNION SELECT 'TRUNCATE' WHERE has_table_privilege($2, $1::regclass, 'TRUNCATE')
"""
"""Which columns of a table its service may alter, and whether it may delete, by right and unhindered by a trigger."""
VIEW = ("monitoring", "seal_register")
RELEASED = Audited("notice_seals", "id", ("issue_id", "round", "released_by", "released_at", "release_reason"))
"""What the view `seal_register` of monitoring tells of each release; nobody can write through the view itself."""


@pytest.mark.asyncio
async def test_no_service_can_alter_or_delete_what_stands_under_the_seal(database: Callable[[str], str]) -> None:
    owner = await asyncpg.connect(database("postgres"))
    tables = [(service, each) for service, all_of_it in AUDITED.items() for each in all_of_it if (service, each.table) != VIEW]
    found = {
        f"{service}.{each.table}": await owner.fetch(OPEN, f"{service}.{each.table}", service, [*each.covers, each.written])
        for service, each in [*tables, ("monitoring", RELEASED), ("reporting", GIVEN_UP)]
    }
    await owner.close()

    assert {table: [row[0] for row in rows] for table, rows in found.items() if rows} == {}

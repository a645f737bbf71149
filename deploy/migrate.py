"""The migration job: roles, schemas and rights, then dbmate once per service's schema. It runs alone and before anything else starts.

dbmate does not notice that an applied file was edited, so this job keeps the SHA-256 of every file it applied and refuses.
"""

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import asyncpg

from deploy.databases import logged_in
from deploy.local import secret_files
from deploy.local.place import PROJECT, SERVICES, Place

DBMATE = Path(sys.executable).with_name("dbmate")
OWNER = "bianban"
SCOPED = {"roster_scoped": "roster"}
"""Roles a service takes on for a caller who may see a part only: to them, tables show that part (row-level security)."""
LOCK = 330499
Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class EditedMigration(Exception):  # noqa: N818  named as the fact it states
    """A file that was applied is not what it was; the text names it."""


@dataclass(frozen=True)
class Migration:
    """One file, as it applies to one schema."""

    schema: str
    path: Path

    @property
    def version(self) -> str:
        """The number in front of the file name."""
        return self.path.name.split("_", 1)[0]

    @property
    def sha256(self) -> str:
        """The hash of the file as it is now."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


async def migrate(place: Place, database: str = "bianban", tree: Path = PROJECT) -> list[str]:
    """Bring a database up to date with the files of a tree; answers with what was applied. EditedMigration when history was edited."""
    await _make_database(place, database)
    async with logged_in(place.database_url("postgres", database)) as superuser:
        await superuser.execute("SELECT pg_advisory_lock($1)", LOCK)
        await open_to_services(superuser, database)
        await _make_schemas(superuser)
        files = _all(tree)
        pending = await _pending(superuser, files)
        for schema in dict.fromkeys(file.schema for file in files):
            if own := [file for file in pending if file.schema == schema]:
                await _apply(superuser, own, partial(_run_dbmate, place, database, tree, schema))
            await _take_rights(superuser, schema)
            await _record(superuser, own)
    return [f"{file.schema}: {file.path.name}" for file in pending]


def known_migrations() -> dict[str, str]:
    """Every file of this tree as it applies, with its hash."""
    return {f"{each.schema}/{each.path.name}": each.sha256 for each in _all(PROJECT)}


async def not_applied(place: Place, database: str = "bianban", tree: Path = PROJECT) -> list[str]:
    """The files of a tree that a database has yet to be given; EditedMigration when history was edited."""
    async with logged_in(place.database_url("postgres", database)) as superuser:
        return [f"{file.schema}/{file.path.name}" for file in await _pending(superuser, _all(tree))]


def _all(tree: Path) -> list[Migration]:
    return [Migration(schema, path) for schema in SERVICES for path in _files(tree, schema)]


def _files(tree: Path, schema: str) -> list[Path]:
    """The kit's files, then the service's own; none for a service that is not there yet."""
    service = tree / "services" / schema
    folders = (tree / "shared" / "migrations", service / "migrations") if service.exists() else ()
    return [path for folder in folders for path in sorted(folder.glob("*.sql"))]


async def _make_database(place: Place, database: str) -> None:
    async with logged_in(place.database_url("postgres", "postgres")) as superuser:
        await superuser.execute("SELECT pg_advisory_lock($1)", LOCK)
        for role in (OWNER, *SERVICES):
            if not await superuser.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await superuser.execute(f"CREATE ROLE {role} LOGIN")
            await superuser.execute(f"ALTER ROLE {role} PASSWORD '{place.password(role)}'")
        for role, member in SCOPED.items():
            if not await superuser.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await superuser.execute(f"CREATE ROLE {role} NOLOGIN")
            await superuser.execute(f"GRANT {role} TO {member} WITH INHERIT FALSE, SET TRUE")
            await superuser.execute(
                f"ALTER ROLE {member} BYPASSRLS"
            )  # any policy, even a true one, takes the statistics of ranges from the planner
        if not await superuser.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await superuser.execute(f"CREATE DATABASE {database} OWNER {OWNER}")
        if "BIANBAN_POSTGRES" not in place.elsewhere:
            await superuser.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")  # a server elsewhere may have other users


async def open_to_services(superuser: Superuser, database: str) -> None:
    """The services may connect to a database, nobody else may, and nobody makes tables of a moment. A clone needs it again."""
    await superuser.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await superuser.execute(f"GRANT CONNECT ON DATABASE {database} TO {', '.join(SERVICES)}")


async def _make_schemas(superuser: Superuser) -> None:
    """Schemas belong to the owner; a service may use its own, may change rows in it, and may define nothing."""
    await superuser.execute(f"""
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT USAGE ON SCHEMA public TO {", ".join((OWNER, *SERVICES))};
        CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
        CREATE SCHEMA IF NOT EXISTS deploy;
        CREATE TABLE IF NOT EXISTS deploy.applied_migrations (
            schema text, version text, file text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (schema, version)
        );
    """)
    for service in SERVICES:
        await superuser.execute(f"""
            CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {OWNER};
            GRANT USAGE ON SCHEMA {service} TO {service};
            ALTER ROLE {service} SET search_path = {service};
            ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA {service} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {service};
            ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA {service} GRANT USAGE ON SEQUENCES TO {service};
        """)


async def _pending(superuser: Superuser, files: list[Migration]) -> list[Migration]:
    """The files that were not applied yet."""
    rows = await superuser.fetch("SELECT schema, version, file, sha256 FROM deploy.applied_migrations")
    applied = {(row["schema"], row["version"]): row["sha256"] for row in rows}
    for file in files:
        if applied.get((file.schema, file.version), file.sha256) != file.sha256:
            raise EditedMigration(f"已执行过的迁移文件被改动：{file.path.name}（{file.schema}）。请恢复原文件，另写一个新的迁移文件。")
    present = {(file.schema, file.version) for file in files}
    gone = [row["file"] for row in rows if (row["schema"], row["version"]) not in present]
    if gone:
        raise EditedMigration(
            f"已执行过的迁移文件不见了：{gone[0]}。本程序比数据旧，不能在这份数据上运行。请先运行 bianban down，再换用更新后的程序；"
            "要回到旧程序的，请在另一目录恢复更新前的备份（bianban restore）。"
        )
    return [file for file in files if (file.schema, file.version) not in applied]


async def _apply(superuser: Superuser, files: list[Migration], run: Callable[[], None]) -> None:
    """Of files before the one that failed, the hash is kept all the same: they cannot be edited any more."""
    try:
        run()
    except RuntimeError:
        table = f"{files[0].schema}.schema_migrations"
        began = await superuser.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
        applied = {row["version"] for row in await superuser.fetch(f"SELECT version FROM {table}")} if began else set()
        await _record(superuser, [file for file in files if file.version in applied])
        raise


def _run_dbmate(place: Place, database: str, tree: Path, schema: str) -> None:
    """Our files are forward only; dbmate insists on a block for the way back and is given an empty one, in a copy."""
    with tempfile.TemporaryDirectory() as copy:
        for path in _files(tree, schema):
            Path(copy, path.name).write_text(path.read_text(encoding="utf-8") + "\n-- migrate:down\n", encoding="utf-8")
        command = (str(DBMATE), "--migrations-dir", copy, "--env-file", os.devnull, "--migrations-table", f"{schema}.schema_migrations")
        encrypted = os.environ.get("PGSSLMODE", "require") if "BIANBAN_POSTGRES" in place.elsewhere else "disable"
        url = f"{place.database_address(OWNER, database)}?sslmode={encrypted}&search_path={schema},public"
        secret_files.write_for_libpq(Path(copy, "pgpass"), OWNER, place.password(OWNER))
        variables = place.variables() | {"DATABASE_URL": url, "PGPASSFILE": str(Path(copy, "pgpass"))}
        done = subprocess.run([*command, "--no-dump-schema", "migrate"], env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"dbmate ({schema}): {(done.stderr or done.stdout).strip()}")


async def _record(superuser: Superuser, files: list[Migration]) -> None:
    rows = [(file.schema, file.version, file.path.name, file.sha256) for file in files]
    await superuser.executemany("INSERT INTO deploy.applied_migrations (schema, version, file, sha256) VALUES ($1, $2, $3, $4)", rows)


async def _take_rights(superuser: Superuser, schema: str) -> None:
    """The event log may only grow, and the list of migrations is the owner's. Asked for at every run: the one before may have been killed."""
    await superuser.execute(f"""
        REVOKE UPDATE, DELETE ON {schema}.event_log FROM {schema};
        REVOKE ALL ON {schema}.schema_migrations FROM {schema};
    """)


def main() -> int:
    """Migrate the database of the stack the environment names and say what was applied."""
    place = Place.from_environment()
    try:
        applied = asyncio.run(migrate(place))
    except (EditedMigration, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"applied {line}\n" for line in applied) or "nothing to apply\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

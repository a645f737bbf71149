"""Production's servers may stand on other machines: the commands go where the variables say, and what manages a stack of this machine refuses."""

from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.local.place import Place, WrongPlace
from deploy.migrate import migrate

PLACES = {"BIANBAN_POSTGRES": "db.example:5432", "BIANBAN_KAFKA": "kafka.example:9092", "BIANBAN_ROSTER_URL": "http://roster.example"}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a production whose servers are elsewhere, but for its secrets."""
    for name, value in (PLACES | {"BIANBAN_ENVIRONMENT": "production", "BIANBAN_HOME": str(tmp_path / "home")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("BIANBAN_PORT_OFFSET", raising=False)  # a developer may have set it
    return tmp_path


def run(*arguments: str) -> BaseException | None:
    return CliRunner().invoke(cli.app, arguments).exception


def test_in_production_each_address_is_where_it_is_said_to_be(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_SECRETS_DIR", str(told))
    (told / "roster.db").write_text("pass\n")
    (told / "roster.db").chmod(0o600)

    place = Place.from_environment()

    assert place.database_url("roster") == "postgresql://roster:pass@db.example:5432/bianban"
    assert (place.kafka, place.service("roster"), place.secrets) == ("kafka.example:9092", "http://roster.example", told)
    assert place.service("approval") == "http://127.0.0.1:18103"


@pytest.mark.usefixtures("told")
def test_a_demo_never_leaves_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "demo")

    assert Place.from_environment().elsewhere == {}


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("command", [("up",), ("backup", "b")])
def test_what_manages_this_machine_refuses_servers_that_are_elsewhere(command: tuple[str, ...]) -> None:
    refusal = run(*command)

    assert isinstance(refusal, WrongPlace)
    assert "BIANBAN_POSTGRES" in str(refusal)


def test_no_invented_city_comes_onto_a_real_roster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_HOME", str(tmp_path))
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")

    assert isinstance(run("up", "--city", "demo"), WrongPlace)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio
async def test_migrations_go_to_the_server_that_is_named(stack: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    named = {"BIANBAN_POSTGRES": f"127.0.0.1:{stack.port('postgres')}", "BIANBAN_SECRETS_DIR": str(stack.secrets)}

    await migrate(Place(tmp_path, 9_000, "production", elsewhere=named), "elsewhere")

    conn = await asyncpg.connect(stack.database_url("bianban", "elsewhere"))
    assert await conn.fetchval("SELECT count(*) FROM roster.schema_migrations") > 0
    await conn.close()


def test_every_key_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_SECRETS_DIR", str(tmp_path))
    assert run("keys", "make") is None
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    assert run("keys", "make") is None

    assert {"field.keys", "token.key", "roster.db", "seal.hmac"} <= first.keys()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first


def test_the_processes_and_what_they_read_are_told() -> None:
    settings = CliRunner().invoke(cli.app, ["docs", "settings"]).output

    assert "BIANBAN_ISSUER\t必填\t各进程、portal\n" in settings
    assert "BIANBAN_SEAL_CODE\tNone\tapproval、monitoring\n" in settings
    assert "ROSTER_IMPORT_KEEP_DAYS\t30\troster" in settings


MADE_HERE = {"PORTAL_ASSETS", "PORTAL_KAFKA", "PORTAL_ZIPKIN_URL", "BIANBAN_CLOCK_FILE", "BIANBAN_KAFKA_REPLICAS"}
"""What a stack of this machine knows by itself: it has one broker, and in production no other time than the real one."""


def test_every_setting_that_is_told_reaches_the_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {line.split("\t")[0] for line in CliRunner().invoke(cli.app, ["docs", "settings"]).output.splitlines()}
    for name in told:
        monkeypatch.setenv(name, "told")

    handed = Place(tmp_path, 0, "production").of_all_parts()

    assert {name for name in told - handed.keys() if not name.endswith("_DATABASE_URL")} == MADE_HERE

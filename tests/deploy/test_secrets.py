"""Secrets and tokens: for their owner alone, made where the private key is, kept where they are looked for, changed while they are read."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.identity import renew_service_tokens, tokens
from deploy.local import secret_files, stack
from deploy.local.parts import parts
from deploy.local.place import PROJECT, Place, WrongPlace
from shared import auth
from shared.auth import NotSignedIn, ServiceToken, Tokens, public_keys, service
from shared.crypto import RingFile
from shared.errors import Unavailable
from shared.secret_files import ReadableByAll, read
from tests.conftest import free_place

BESIDE = range(2200, 12000, 150)
"""Ports of none of the stacks that tests start (`tests/conftest.py`)."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secret_files.make(tmp_path)
    return tmp_path


def said(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["service-token", *arguments], env={"BIANBAN_SECRETS_DIR": str(folder)}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_services_token_is_written_where_it_looks_for_it_and_is_shown_to_nobody(folder: Path) -> None:
    printed = said(folder, "approval")
    token = ServiceToken("approval", folder, production=True).at(datetime.now(UTC))

    assert Tokens((folder / "token.pub").read_text()).read(token) == service("approval")
    assert stat.S_IMODE((folder / "approval.token").stat().st_mode) == 0o600
    assert token not in printed


def test_a_new_token_takes_the_place_of_the_one_before(folder: Path) -> None:
    issued = [
        (said(folder, "approval", "--days", days), ServiceToken("approval", folder, production=True).at(datetime.now(UTC)))[1]
        for days in ("1", "2")
    ]

    assert issued[0] != issued[1]
    assert [path.name for path in folder.glob("approval.token*")] == ["approval.token"]


def test_it_is_printed_only_when_asked_for_and_then_not_written(folder: Path) -> None:
    printed = said(folder, "approval", "--show").strip()

    assert Tokens((folder / "token.pub").read_text()).read(printed) == service("approval")
    assert not (folder / "approval.token").exists()


def test_without_the_private_key_there_is_no_token(folder: Path) -> None:
    (folder / "token.key").unlink()

    with pytest.raises(WrongPlace, match="私钥"):
        said(folder, "approval")


def keyed(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["token-keys", *arguments], env={"BIANBAN_SECRETS_DIR": str(folder)}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_key_of_tokens_is_made_once_changed_and_the_older_one_taken_out(tmp_path: Path) -> None:
    keyed(tmp_path, "make")
    with pytest.raises(WrongPlace, match="已经存在"):
        keyed(tmp_path, "make")
    reader = Tokens(tmp_path / "token.pub")
    old = ServiceToken("approval", tmp_path, production=False).at(datetime.now(UTC))
    keyed(tmp_path, "rotate")
    new = ServiceToken("approval", tmp_path, production=False).at(datetime.now(UTC))
    assert reader.read(old) == reader.read(new) == service("approval")

    keyed(tmp_path, "retire", "--grace-minutes", "0")
    fresh = Tokens(tmp_path / "token.pub")
    assert fresh.read(new) == service("approval")
    with pytest.raises(NotSignedIn):
        fresh.read(old)
    assert stat.S_IMODE((tmp_path / "token.key").stat().st_mode) == 0o600


def test_a_change_of_the_key_that_was_cut_short_is_finished_before_the_older_one_is_taken_out(tmp_path: Path) -> None:
    keyed(tmp_path, "make")
    present = (tmp_path / "token.pub").read_text()
    (tmp_path / "token.pub").write_text(secret_files.new_token_pair()[0] + present)

    with pytest.raises(WrongPlace, match="token-keys rotate"):
        keyed(tmp_path, "retire")

    old = ServiceToken("approval", tmp_path, production=False).at(datetime.now(UTC))
    assert Tokens(tmp_path / "token.pub").read(old) == service("approval")
    keyed(tmp_path, "rotate")
    keyed(tmp_path, "retire", "--grace-minutes", "0")
    new = ServiceToken("approval", tmp_path, production=False).at(datetime.now(UTC))
    assert Tokens(tmp_path / "token.pub").read(new) == service("approval")


def test_the_older_key_of_tokens_stays_until_what_it_signed_has_ended(tmp_path: Path) -> None:
    keyed(tmp_path, "make")
    old = ServiceToken("approval", tmp_path, production=False).at(datetime.now(UTC))
    keyed(tmp_path, "rotate")

    with pytest.raises(WrongPlace, match=r"还有人在用.*之后才能停用.*--grace-minutes 0"):
        keyed(tmp_path, "retire")
    assert Tokens(tmp_path / "token.pub").read(old) == service("approval")

    began = (datetime.now(UTC) - timedelta(minutes=16)).timestamp()
    os.utime(tmp_path / "token.key", (began, began))
    assert "已停用" in keyed(tmp_path, "retire")


def test_where_no_tokens_are_signed_the_newest_key_stays(tmp_path: Path) -> None:
    keyed(tmp_path, "make")
    keyed(tmp_path, "rotate")
    newest = next(iter(public_keys((tmp_path / "token.pub").read_text())))
    (tmp_path / "token.key").unlink()

    keyed(tmp_path, "retire", "--grace-minutes", "0")

    assert list(public_keys((tmp_path / "token.pub").read_text())) == [newest]


@pytest.mark.parametrize("name", ["payload.key", "field.keys", "token.key"])
def test_a_secret_that_everybody_may_read_is_not_taken(folder: Path, name: str) -> None:
    (folder / name).chmod(0o644)
    takers: dict[str, Callable[[], object]] = {
        "payload.key": lambda: read(folder / "payload.key"),
        "field.keys": lambda: RingFile(folder / "field.keys"),
        "token.key": lambda: Tokens("", folder / "token.key").issue(service("roster"), datetime.now(UTC)),
    }

    with pytest.raises(ReadableByAll, match=name):
        takers[name]()


@pytest.mark.parametrize("name", ["token.key", "bianban.db"])
def test_a_command_that_meets_a_secret_everybody_may_read_says_what_to_do(
    real: Place, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (real.secrets / name).chmod(0o644)
    monkeypatch.setattr(cli, "app", lambda: tokens(real) if name == "token.key" else real.password("bianban"))

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert f"密钥文件 {name} 对本机所有用户可读。请执行 chmod 600" in capsys.readouterr().err


def test_nobody_gets_a_persons_token_from_the_command_line_in_production(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")
    monkeypatch.setenv("BIANBAN_HOME", str(folder))

    with pytest.raises(WrongPlace, match="本人登录"):
        CliRunner().invoke(cli.app, ["token", "zhang"], catch_exceptions=False)


def own_token(folder: Path) -> str:
    return ServiceToken("approval", folder, production=True).at(datetime.now(UTC))


@pytest.mark.parametrize("left", [None, "", timedelta(seconds=-1)])
def test_a_service_without_a_token_that_counts_is_away_and_its_log_says_so_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, left: timedelta | str | None
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(auth, "_log", SimpleNamespace(error=lambda _, secret: logged.append(secret)))
    if left is not None:
        issued = issue(folder, left) if isinstance(left, timedelta) else left
        secret_files.write(folder / "approval.token", issued)

    for _ in range(2):
        with pytest.raises(Unavailable, match=r"approval\.token"):
            own_token(folder)

    assert logged == ["approval.token"]


def issue(folder: Path, left: timedelta) -> str:
    return Tokens(folder / "token.pub", folder / "token.key").issue(service("approval"), datetime.now(UTC), left)


@pytest.fixture
def real(tmp_path: Path) -> Place:
    """Production on one machine, with its secrets."""
    place = Place(tmp_path, 0, "production")
    place.make_folders()
    secret_files.make(place.secrets)
    return place


def test_production_on_one_machine_gives_approval_its_token(real: Place) -> None:
    renew_service_tokens(real)

    assert Tokens(real.secrets / "token.pub").read(own_token(real.secrets)) == service("approval")
    assert stat.S_IMODE((real.secrets / "approval.token").stat().st_mode) == 0o600


@pytest.mark.parametrize(("days", "stays"), [(-1, False), (119, False), (121, True)])
def test_a_token_is_renewed_before_a_quarter_leads_past_its_end(real: Place, days: int, stays: bool) -> None:
    before = issue(real.secrets, timedelta(days=days))
    secret_files.write(real.secrets / "approval.token", before)

    renew_service_tokens(real)

    assert (own_token(real.secrets) == before) is stays


def test_a_token_of_a_key_that_was_retired_is_renewed(real: Place) -> None:
    renew_service_tokens(real)
    before = own_token(real.secrets)
    keyed(real.secrets, "rotate")
    keyed(real.secrets, "retire", "--grace-minutes", "0")

    renew_service_tokens(real)

    assert own_token(real.secrets) != before


def test_a_token_that_everybody_may_read_is_not_kept_on(real: Place) -> None:
    renew_service_tokens(real)
    (real.secrets / "approval.token").chmod(0o644)

    with pytest.raises(WrongPlace, match=r"approval\.token"):
        renew_service_tokens(real)


@pytest.mark.parametrize("name", ["field.keys", "account.keys", "postgres.db", "payload.key"])
def test_a_ring_that_is_gone_is_never_made_anew_where_there_is_data(
    tmp_path: Path,
    name: str,
) -> None:
    place = free_place([Place(tmp_path, offset, "test") for offset in BESIDE])
    place.make_folders()
    secret_files.make(place.secrets)
    (place.secrets / name).unlink()
    (place.home / "pg" / "data").mkdir()
    (place.home / "temporal" / "temporal.db").touch()
    env = {"BIANBAN_HOME": str(tmp_path), "BIANBAN_ENVIRONMENT": "test", "BIANBAN_PORT_OFFSET": str(place.offset)}

    up = CliRunner().invoke(cli.app, ["up", "--city", "none"], env=env)
    made = CliRunner().invoke(cli.app, ["keys", "make"], env=env)
    started = subprocess.run([sys.executable, "-m", "deploy.local"], cwd=PROJECT, env=os.environ | env, capture_output=True, check=False)

    for refused in (up, made):
        assert isinstance(refused.exception, WrongPlace)
        assert name in str(refused.exception)
    assert (started.returncode, name in started.stderr.decode()) == (1, True)
    assert not (place.secrets / name).exists()


def test_where_there_is_data_nobody_who_lost_a_password_is_told_to_make_it_anew(tmp_path: Path) -> None:
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    with pytest.raises(WrongPlace, match="请先运行 bianban up"):
        place.password("postgres")
    (place.home / "pg" / "data").mkdir()
    with pytest.raises(WrongPlace, match=r"没有 postgres.db，而系统中已有数据。请将另存的密钥文件放回原处"):
        place.password("postgres")


@pytest.mark.parametrize(("environment", "made"), [("production", True), ("test", False)])
def test_up_brings_the_tokens_of_services_in_production_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    made: bool,
) -> None:
    async def ready(*_: object) -> None:
        secret_files.make(tmp_path / "secrets")

    for name, stands_in in {"refuse_taken": print, "launch": lambda *_, **__: None, "until_ready": ready}.items():
        monkeypatch.setattr(stack, name, stands_in)
    monkeypatch.setattr(cli, "_ensure_migrated", print)
    (tmp_path / "city").write_text("none\n")

    env = {"BIANBAN_HOME": str(tmp_path), "BIANBAN_ENVIRONMENT": environment}
    said_up = CliRunner().invoke(cli.app, ["up", "--city", "none"], env=env, catch_exceptions=False)

    assert said_up.exit_code == 0, said_up.output
    assert (tmp_path / "secrets" / "approval.token").exists() is made


def test_no_part_is_told_a_secret_by_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command line and environment are seen by more than who may read the files."""
    monkeypatch.setenv("BIANBAN_ARCHIVE_DIR", str(tmp_path / "archive"))
    place = Place(tmp_path / "home", 0, "test")
    place.make_folders()
    secret_files.make(place.secrets)
    keys = {file.name: re.findall(r"[\w+/=-]{20,}", file.read_text()) for file in place.secrets.iterdir() if file.suffix != ".pub"}

    told = {part.name: " ".join([*part.argv, *part.variables.values()]) for part in parts(place)}

    assert {"migrate", "roster-app", "roster-worker", "archive-wal"} <= told.keys()
    assert [(part, file) for part, text in told.items() for file, found in keys.items() if any(key in text for key in found)] == []

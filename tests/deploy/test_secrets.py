"""Secrets and tokens: for their owner alone, made where the private key is, kept where they are looked for, changed while they are read."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.local import secret_files
from deploy.local.place import WrongPlace
from shared.auth import NotSignedIn, ServiceToken, Tokens, service
from shared.crypto import RingFile
from shared.secret_files import ReadableByAll, read


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

    keyed(tmp_path, "retire")
    fresh = Tokens(tmp_path / "token.pub")
    assert fresh.read(new) == service("approval")
    with pytest.raises(NotSignedIn):
        fresh.read(old)
    assert stat.S_IMODE((tmp_path / "token.key").stat().st_mode) == 0o600


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


def test_nobody_gets_a_persons_token_from_the_command_line_in_production(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")
    monkeypatch.setenv("BIANBAN_HOME", str(folder))

    with pytest.raises(WrongPlace, match="本人登录"):
        CliRunner().invoke(cli.app, ["token", "zhang"], catch_exceptions=False)

"""The tokens of services: made where the private key is, kept where the service looks for its own."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.local import secret_files
from deploy.local.place import WrongPlace
from shared.auth import ServiceToken, Tokens, service


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

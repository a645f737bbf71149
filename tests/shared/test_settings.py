"""The address of a database may be read by who sees the processes; its password stands in a file, as other secrets do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.reporting.settings import ReportingSettings
from services.roster.settings import RosterSettings
from shared.secret_files import ReadableByAll
from tests import secret_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("environment", "kafka", "temporal", "roster_url", "seal_url", "issuer"):
        monkeypatch.setenv(f"BIANBAN_{name.upper()}", "demo")
    monkeypatch.setenv("BIANBAN_SECRETS_DIR", str(tmp_path))
    secret_files.write(tmp_path / "roster.db", "geheim/@1\n")
    secret_files.write(tmp_path / "reporting.db", "still\n")
    return tmp_path


def test_the_password_comes_from_the_file_of_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTER_DATABASE_URL", "postgresql://roster@db.example:5432/bianban?sslmode=require")
    monkeypatch.setenv("REPORTING_DATABASE_URL", "postgresql://reporting@127.0.0.1:15432/bianban")

    assert RosterSettings().database_url == "postgresql://roster:geheim%2F%401@db.example:5432/bianban?sslmode=require"
    assert ReportingSettings().database_url == "postgresql://reporting:still@127.0.0.1:15432/bianban"


@pytest.mark.parametrize("address", ["postgresql://roster:old@db/bianban", "postgresql://roster@db/bianban?password=old"])
def test_an_address_that_brings_its_password_keeps_it(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("ROSTER_DATABASE_URL", address)

    assert RosterSettings().database_url == address


def test_a_password_that_is_missing_or_that_all_may_read_and_an_address_without_a_role_stop_the_process(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("ROSTER_DATABASE_URL", "postgresql://roster@db/bianban")
    (folder / "roster.db").chmod(0o644)
    with pytest.raises(ReadableByAll, match=r"roster\.db"):
        RosterSettings()
    (folder / "roster.db").unlink()
    with pytest.raises(FileNotFoundError, match=r"roster\.db"):
        RosterSettings()
    monkeypatch.setenv("ROSTER_DATABASE_URL", "postgresql://db/bianban")
    with pytest.raises(ValidationError, match="names no role"):
        RosterSettings()

"""The address of a database may be read by who sees the processes; its password stands in a file, as other secrets do."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.identity.settings import IdentitySettings
from services.reporting.settings import ReportingSettings
from services.roster.settings import RosterSettings
from shared.secret_files import ReadableByAll
from shared.settings import WrongSettings
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
    with pytest.raises(FileNotFoundError, match=r"没有密钥文件 .*roster\.db"):
        RosterSettings()
    monkeypatch.setenv("ROSTER_DATABASE_URL", "postgresql://db/bianban")
    with pytest.raises(WrongSettings, match="ROSTER_DATABASE_URL 没有写明数据库角色"):
        RosterSettings()


def test_a_setting_that_cannot_be_used_is_told_by_its_variable_and_without_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of a log is all that `bianban up` shows."""
    for name, value in {"SECURITY_DAYS": "30", "REQUESTS_PER_MINUTE": "-1", "EXPORT_DAYS": "geheim"}.items():
        monkeypatch.setenv(f"BIANBAN_{name}", value)
    monkeypatch.setenv("REPORTING_DATABASE_URL", "postgresql://reporting@127.0.0.1:15432/bianban")

    with pytest.raises(WrongSettings) as wrong:
        ReportingSettings()

    told = "BIANBAN_SECURITY_DAYS 不能小于 180；BIANBAN_REQUESTS_PER_MINUTE 不能小于 0；BIANBAN_EXPORT_DAYS 应为整数"
    assert str(wrong.value) == f"环境变量不合要求：{told}。请改正后重新启动。"
    assert wrong.value.__suppress_context__


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ISSUER": "https://id.example"}, "写了 IDENTITY_OIDC_ISSUER，也须写 IDENTITY_OIDC_CLIENT 和 IDENTITY_OIDC_REDIRECT"),
        ({"ISSUER": "http://id.example", "CLIENT": "c", "REDIRECT": "r"}, "IDENTITY_OIDC_ISSUER 在生产环境须以 https:// 开头"),
    ],
)
def test_what_does_not_fit_together_is_told_in_the_words_of_the_operator(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")
    monkeypatch.setenv("IDENTITY_DATABASE_URL", "postgresql://reporting@127.0.0.1:15432/bianban")
    for name, value in variables.items():
        monkeypatch.setenv(f"IDENTITY_OIDC_{name}", value)

    with pytest.raises(WrongSettings, match=f"^环境变量不合要求：{told}。"):
        IdentitySettings()


@pytest.mark.parametrize(
    ("module", "variables", "told"),
    [
        ("services.roster.worker", {"BIANBAN_ENVIRONMENT": "prod"}, "BIANBAN_ENVIRONMENT 只能是"),
        ("services.roster.worker", {"BIANBAN_SECRETS_DIR": "/nowhere"}, "没有密钥文件 /nowhere/roster.db"),
        ("deploy.otlp 1 http://nowhere", {"BIANBAN_TRACE_SHARE": "all", "BIANBAN_TRACE_SLOW": ""}, "：BIANBAN_TRACE_SHARE 应为数字。"),
        ("deploy.cli status", {"BIANBAN_PORT_OFFSET": "1e3"}, "BIANBAN_PORT_OFFSET 应为"),
        ("deploy.cli status", {"BIANBAN_PORT_OFFSET": "60000"}, "BIANBAN_PORT_OFFSET 应为"),
    ],
)
def test_the_last_word_of_what_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, module: str, variables: dict[str, str], told: str
) -> None:
    """`bianban up` and `bianban status` show that line."""
    monkeypatch.setenv("ROSTER_DATABASE_URL", "postgresql://roster@127.0.0.1:1/bianban")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    ended = subprocess.run([sys.executable, "-m", *module.split()], capture_output=True, text=True, check=False)

    assert (ended.returncode, told in ended.stderr.splitlines()[-1]) == (1, True)

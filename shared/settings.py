"""Settings that every process reads from its environment. Only wiring (`app.py`, `worker.py`, `deploy/`) imports settings."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import secret_files
from shared.errors import CannotStart
from shared.glossary import reason_of


def _with_password(address: str, told: ValidationInfo) -> str:
    """The password is in the file of the role, as other secrets are; an address that brings its own keeps it."""
    found, folder = urlsplit(address), told.data.get("secrets_dir")
    if found.password or "password=" in found.query or folder is None:
        return address
    if not found.username:
        raise ValueError("没有写明数据库角色，应为 postgresql://角色@主机:端口/数据库，密码放在密钥文件 角色.db")
    password = quote(secret_files.read(folder / f"{found.username}.db"), safe="")
    return urlunsplit(found._replace(netloc=f"{found.username}:{password}@{found.netloc.rpartition('@')[2]}"))


DatabaseUrl = Annotated[str, AfterValidator(_with_password)]
"""Of settings that know `secrets_dir` by then."""


class WrongSettings(CannotStart, ValueError):  # noqa: N818  named as the fact it states
    """Variables that cannot be used, and why; never what they hold, which may be a secret."""


class Settings(BaseSettings):
    """Read from the environment. Raises WrongSettings."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            wrong = "；".join(self._wrong(each["loc"], each["type"], each.get("ctx", {})) for each in error.errors())
            raise WrongSettings(f"环境变量不合要求：{wrong}。请改正后重新启动。") from None

    def _wrong(self, place: tuple[int | str, ...], kind: str, context: dict[str, Any]) -> str:
        name = str(place[0]) if place else ""
        variable = name if name.isupper() or not name else f"{self.model_config.get('env_prefix', '')}{name.upper()}"
        return f"{variable} {reason_of(kind, context)}".strip()


class SecurityLogSettings(Settings):
    """Where the lines of who was turned away go; of every process with a door."""

    model_config = SettingsConfigDict(env_prefix="BIANBAN_")

    home: Path | None = None
    security_dir: Path | None = None  # else in the home
    security_days: int = Field(default=180, ge=180)  # 网络安全法第二十一条: not less than six months
    security_otlp: str | None = None  # a collector on another host

    @property
    def security_log(self) -> tuple[Path | None, int, str | None]:
        """Where the lines of who was turned away are kept, for how many days, and where they are sent."""
        return self.security_dir or (self.home and self.home / "log" / "security"), self.security_days, self.security_otlp


class StackSettings(SecurityLogSettings):
    """Where the neighbours are. Nothing here has a default that could be wrong in production."""

    environment: Literal["production", "demo", "test"]
    secrets_dir: Path
    clock_file: Path | None = None
    kafka: str
    kafka_replicas: int = Field(default=1, ge=1)  # of each topic that the job bootstrap makes; a cluster of three: 3
    temporal: str
    temporal_namespace: str = "bianban"
    topic_prefix: str = ""
    otlp: str | None = None
    roster_url: str
    seal_url: str
    callback_url: str = ""
    issuer: str  # 发文机关 on notices and lists
    demo_seal: bool = True  # false once the platform of the office seals with effect: what is written says which it is
    out_dir: Path = Path("out")
    requests_per_minute: int = Field(default=1200, ge=0)  # of one caller at one process; 0: no limit
    export_days: int = Field(default=7, ge=1)  # how long an exported list may be taken
    brought_days: int = Field(default=3650, ge=365)  # how long attachments and evidence are kept after their case closed

    def secret(self, name: str) -> str:
        """The text of one secret file; a missing one fails loudly, and so does one that everybody may read."""
        return secret_files.read(self.secrets_dir / name)

    def exports(self, service: str) -> Path:
        """The folder of a service's exported lists; its two processes share it."""
        return self.out_dir / "exports" / service

    @property
    def folders(self) -> list[Path]:
        """What lies on a disk that must not be full: of one machine all data, of several what is kept in files."""
        return [self.home or self.out_dir, self.out_dir]

    @property
    def may_move_time(self) -> bool:
        """Business time may be shifted everywhere but in production."""
        return self.environment != "production" and self.clock_file is not None

    @property
    def mark(self) -> str:
        """What every document says at its head: outside production its units and people are invented."""
        return "" if self.environment == "production" else "演示数据"

    @property
    def calendar_folder(self) -> Path | None:
        """The holiday notices an office has loaded (`bianban calendar load`); on several machines one shared folder."""
        return self.home / "calendar" if self.home else None

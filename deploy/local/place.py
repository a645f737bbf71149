"""Where one stack lives: its home folder, its ports, its environment, and what the processes in it are told."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from deploy.local import whole_file
from shared import secret_files

PROJECT = Path(__file__).resolve().parents[2]
CACHE = PROJECT / ".cache"
Service = Literal["identity", "roster", "approval", "monitoring", "reporting"]
SERVICES: tuple[Service, ...] = get_args(Service)
NAMESPACE = "bianban"
DEMO_ISSUER = "望汐市机构编制委员会办公室"
"""发文机关 of the invented city. In production the environment has to name the office."""
FOLDERS = ("log", "secrets", "pg", "kafka", "temporal", "seal", "out", "run")
PORTS = {
    "postgres": 15432,
    "kafka": 19092,
    "kafka-controller": 19093,
    "temporal": 17233,
    "temporal-http": 17234,
    "temporal-ui": 18233,
    "identity": 18101,
    "roster": 18102,
    "approval": 18103,
    "monitoring": 18104,
    "reporting": 18105,
    "portal": 18100,
    "seal": 18109,
    "otlp": 18110,
    "zipkin": 18111,
}
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"),
    *(
        "BIANBAN_OTLP",
        "BIANBAN_TRACE_SHARE",
        "BIANBAN_TRACE_SLOW",
        "BIANBAN_SECURITY_DIR",
        "BIANBAN_SECURITY_DAYS",
        "BIANBAN_SECURITY_OTLP",
        "BIANBAN_ISSUER",
        "BIANBAN_SEAL_CODE",
        "BIANBAN_DEMO_SEAL",
        "BIANBAN_FONT_DIR",
        "BIANBAN_EXPORT_DAYS",
        "BIANBAN_BROUGHT_DAYS",
        "BIANBAN_ARCHIVE_DIR",
        "BIANBAN_REQUESTS_PER_MINUTE",
        "ROSTER_IMPORT_KEEP_DAYS",
        "ROSTER_IMPORT_POLITICAL_LEGAL",
        "ROSTER_LEADS_FILE",
        "PORTAL_PROVIDER",
        "FORWARDED_ALLOW_IPS",
    ),
)
ELSEWHERE = (
    *("BIANBAN_POSTGRES", "BIANBAN_KAFKA", "BIANBAN_TEMPORAL", "BIANBAN_SECRETS_DIR", "BIANBAN_OUT_DIR"),
    *(f"BIANBAN_{service.upper()}_URL" for service in SERVICES),
)
"""What production may have on other machines, by the names its processes know it by; `BIANBAN_POSTGRES` is HOST:PORT."""

Environment = Literal["production", "demo", "test"]


class WrongPlace(Exception):  # noqa: N818  named as the fact it states
    """The home folder cannot be used as asked; the text is for the user."""


@dataclass(frozen=True)
class Place:
    """One stack: everything it owns is under `home`, every port is moved by `offset`."""

    home: Path
    offset: int
    environment: Environment
    detour: int = 0
    """How far from the servers' own ports the processes look for them: whoever stands in between (`bianban chaos`) listens there."""
    elsewhere: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Of production, whose servers and services are not those of this stack: where they are (`ELSEWHERE`)."""

    @classmethod
    def from_environment(cls) -> "Place":
        """The stack the caller means: BIANBAN_HOME, BIANBAN_PORT_OFFSET and BIANBAN_ENVIRONMENT, or the project's own demo stack.

        What a home was started as it is, also for a caller who does not say so. WrongPlace for one who says something else.
        """
        home = Path(os.environ.get("BIANBAN_HOME") or PROJECT / ".local").resolve()
        environment = os.environ.get("BIANBAN_ENVIRONMENT") or _mark(home) or "demo"
        if environment not in get_args(Environment):
            raise WrongPlace(f"BIANBAN_ENVIRONMENT 只能是 production、demo 或 test，而不是 {environment}。")
        _refuse_other(home, environment)
        offset, detour = _shift("BIANBAN_PORT_OFFSET"), _shift("BIANBAN_PORT_DETOUR")
        elsewhere = {name: os.environ[name] for name in ELSEWHERE if environment == "production" and os.environ.get(name)}
        return cls(home, offset, cast("Environment", environment), detour, elsewhere)

    def port(self, name: str) -> int:
        """The port of one listener of this stack."""
        return PORTS[name] + self.offset

    def reached(self, server: str) -> int:
        """The port at which the processes reach one of the servers."""
        return self.port(server) + self.detour

    def ensure_invented(self) -> None:
        """Invented units and people never come onto a real roster. WrongPlace in production."""
        if self.environment == "production":
            raise WrongPlace("演示数据不能装入生产环境。")

    def ensure_here(self) -> None:
        """What is about to be done is done to the servers of this stack. WrongPlace where they are elsewhere."""
        if named := sorted(self.elsewhere):
            raise WrongPlace(
                f"{'、'.join(named)} 指明服务器在别处，本命令只管理本机的整套系统。请用服务器自己的工具，或去掉这些变量后重试。"
            )

    def service(self, name: str) -> str:
        """The address of a service's door."""
        return self.elsewhere.get(f"BIANBAN_{name.upper()}_URL") or f"http://127.0.0.1:{self.port(name)}"

    @property
    def secrets(self) -> Path:
        """The folder of the secret files."""
        return Path(self.elsewhere.get("BIANBAN_SECRETS_DIR") or self.home / "secrets")

    @property
    def out(self) -> Path:
        """The folder of the files that are kept."""
        return Path(self.elsewhere.get("BIANBAN_OUT_DIR") or self.home / "out")

    @property
    def portal(self) -> str:
        """The address of the pages."""
        return f"http://127.0.0.1:{self.port('portal')}"

    @property
    def clock_file(self) -> Path:
        """Holds the offset of business time in whole seconds."""
        return self.home / "clock"

    @property
    def state_file(self) -> Path:
        """What the supervisor publishes for `bianban status`."""
        return self.home / "run" / "state.json"

    @property
    def kafka(self) -> str:
        """Bootstrap address of the broker."""
        return self.elsewhere.get("BIANBAN_KAFKA") or f"127.0.0.1:{self.reached('kafka')}"

    @property
    def temporal(self) -> str:
        """Address of the Temporal front end."""
        return self.elsewhere.get("BIANBAN_TEMPORAL") or f"127.0.0.1:{self.port('temporal')}"

    def password(self, role: str) -> str:
        """The database password of a role. WrongPlace where it has none yet, ReadableByAll where everybody may read it."""
        try:
            return secret_files.read(self.secrets / f"{role}.db")
        except FileNotFoundError:
            if (self.home / "pg" / "data").exists():
                raise WrongPlace(
                    f"{self.secrets} 中没有 {role}.db，而系统中已有数据。请将另存的密钥文件放回原处（备份中没有密钥），再重试。"
                ) from None
            raise WrongPlace(f"{self.secrets} 中没有 {role}.db。请先运行 bianban up；服务器在别处的，运行 bianban keys make。") from None

    def database_url(self, role: str, database: str = "bianban") -> str:
        """The address under which a role (a service, the owner `bianban`, the superuser `postgres`) reaches a database."""
        return self.database_address(role, database).replace("@", f":{self.password(role)}@", 1)

    def database_address(self, role: str, database: str = "bianban") -> str:
        """The same without the password, as an environment may hold it: what starts a process is seen by more than who may read the secrets."""
        server = self.elsewhere.get("BIANBAN_POSTGRES") or f"127.0.0.1:{self.port('postgres')}"
        return f"postgresql://{role}@{server}/{database}"

    def make_folders(self) -> None:
        """Create the home and refuse one that belongs to a stack of another environment."""
        for name in FOLDERS:
            (self.home / name).mkdir(parents=True, exist_ok=True)
        (self.home / "secrets").chmod(0o700)
        _refuse_other(self.home, self.environment)
        if _mark(self.home) is None:
            whole_file.write(self.home / "environment", self.environment + "\n")

    def forget(self) -> None:
        """Remove what this stack owns; what others keep beside it (the homes of tests, figures of a bench) stays."""
        for name in FOLDERS:
            shutil.rmtree(self.home / name, ignore_errors=True)
        for name in ("environment", "clock", "city", "city-day"):
            (self.home / name).unlink(missing_ok=True)
        if self.home.exists() and not any(self.home.iterdir()):
            self.home.rmdir()

    def variables(self, service: str | None = None) -> dict[str, str]:
        """The whole environment of a process; with `service`, also the address of that service's own schema and of no other."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        variables = inherited | {
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(PROJECT),
            "BIANBAN_HOME": str(self.home),
            "BIANBAN_PORT_OFFSET": str(self.offset),
            "BIANBAN_PORT_DETOUR": str(self.detour),
            "BIANBAN_ENVIRONMENT": self.environment,
            "BIANBAN_SECRETS_DIR": str(self.secrets),
            "BIANBAN_KAFKA": self.kafka,
            "BIANBAN_TEMPORAL": f"127.0.0.1:{self.reached('temporal')}",
            "BIANBAN_TEMPORAL_NAMESPACE": NAMESPACE,
            "BIANBAN_TOPIC_PREFIX": "",
            "BIANBAN_ROSTER_URL": f"http://127.0.0.1:{self.port('roster')}",
            "BIANBAN_SEAL_URL": f"http://127.0.0.1:{self.port('seal')}",
            "BIANBAN_MONITORING_URL": f"http://127.0.0.1:{self.port('monitoring')}",
            "BIANBAN_IDENTITY_URL": f"http://127.0.0.1:{self.port('identity')}",
            "BIANBAN_APPROVAL_URL": f"http://127.0.0.1:{self.port('approval')}",
            "BIANBAN_REPORTING_URL": f"http://127.0.0.1:{self.port('reporting')}",
            "BIANBAN_CALLBACK_URL": f"http://127.0.0.1:{self.port('approval')}",
            "BIANBAN_OUT_DIR": str(self.out),
        }
        if self.environment == "test":
            variables.setdefault("BIANBAN_REQUESTS_PER_MINUTE", "0")
        if self.environment == "demo":  # production names its collector, a test what it wants to see
            variables.setdefault("BIANBAN_OTLP", f"http://127.0.0.1:{self.port('otlp')}")
        if self.environment != "production":
            variables["BIANBAN_CLOCK_FILE"] = str(self.clock_file)
            variables.setdefault("BIANBAN_ISSUER", DEMO_ISSUER)
        if service == "identity":
            variables.update(_of_identity())
            variables.setdefault("IDENTITY_DEMO", str(self.environment != "production").lower())
        if service:
            address = self.database_address(service).replace(f":{self.port('postgres')}/", f":{self.reached('postgres')}/")
            variables[f"{service.upper()}_DATABASE_URL"] = address
        return variables

    def of_all_parts(self) -> dict[str, str]:
        """The environment of the supervisor, which gives each part its own from it, and of whoever acts for identity beside it."""
        return _of_identity() | self.variables()


def _shift(variable: str) -> int:
    """By how much the ports are others. WrongPlace where that is no number, or leads to no port."""
    told = os.environ.get(variable) or "0"
    low, high = 1024 - min(PORTS.values()), 65535 - max(PORTS.values())
    if not re.fullmatch("-?[0-9]{1,5}", told) or not low <= int(told) <= high:
        raise WrongPlace(f"{variable} 应为 {low} 至 {high} 的整数，而不是 {told}。")
    return int(told)


def borrowed(place: Place) -> str:
    """What is said of ports that the kernel hands out to whoever connects somewhere: now and then a part finds its own taken. Else nothing."""
    if not EPHEMERAL.exists():
        return ""
    low, high = map(int, EPHEMERAL.read_text(encoding="utf-8").split())
    inside = sorted(port for name in PORTS if low <= (port := place.port(name)) <= high)
    if not inside:
        return ""
    return (
        f"端口 {inside[0]}{f' 等 {len(inside)} 个' if len(inside) > 1 else ''}在本机的临时端口范围（{low}–{high}）内，可能偶尔被别的程序的外联占用，"
        f"使部件起不来。BIANBAN_PORT_OFFSET 请取 {low - 1 - max(PORTS.values())} 或更小。"
    )


def _mark(home: Path) -> str | None:
    """What a home was first started as; None for a new one."""
    mark = home / "environment"
    return mark.read_text(encoding="utf-8").strip() if mark.exists() else None


def _refuse_other(home: Path, environment: str) -> None:
    if _mark(home) not in {None, environment}:
        raise WrongPlace(
            f"{home} 是 {_mark(home)} 环境的数据目录，不能作为 {environment} 环境使用。"
            "请去掉变量 BIANBAN_ENVIRONMENT，或以 BIANBAN_HOME 另指数据目录。"
        )


def _of_identity() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("IDENTITY_")}

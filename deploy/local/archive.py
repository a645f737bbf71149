"""The archive: what was written since the last backup, where BIANBAN_ARCHIVE_DIR names a folder (on another disk). Two parts keep it.

`archive-wal` streams PostgreSQL's log; `archive-files` copies what is kept in files and says up to which instant both are complete.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from deploy.local import postgres, probes, whole_file
from deploy.local.part import Part
from deploy.local.place import Place

SLOT = "archive"
PATIENCE = 20
"""Seconds a database that does not answer is waited for."""


def life(place: Place) -> str:
    """The name of this cluster's life: a restored one begins another, whose archive stands in another folder."""
    file = place.home / "pg" / "life"
    if not file.exists() or not file.stat().st_size:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole_file.write(file, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}\n")
    return file.read_text(encoding="utf-8").strip()


def archive_of(place: Place) -> Path | None:
    """Where this life is archived; None where nobody asked for it."""
    folder = os.environ.get("BIANBAN_ARCHIVE_DIR")
    return Path(folder).resolve() / life(place) if folder else None


def parts(place: Place) -> Iterator[Part]:
    """The two parts, where an archive is asked for; the stack does not wait for them."""
    archive = archive_of(place)
    if archive:
        receive = (*postgres.client(place, "pg_receivewal"), "-D", str(archive / "wal"), "-S", SLOT)
        variables = postgres.client_variables(place)
        reached, after = probes.connected(place.port("postgres")), ("postgres",)
        yield Part(
            "archive-wal",
            (*receive, "--synchronous"),
            variables,
            after,
            reached,
            prepare=lambda: _prepare(archive, receive, variables),
            aside=True,
        )
        yield Part("archive-files", (sys.executable, "-m", "deploy.backup.archive"), place.variables(), after, reached, aside=True)


def _prepare(archive: Path, receive: tuple[str, ...], variables: dict[str, str]) -> None:
    """The folder, and the slot that keeps the log on the server while nobody fetches it."""
    (archive / "wal").mkdir(parents=True, exist_ok=True)
    archive.chmod(0o700)
    made = subprocess.run(
        [*receive, "--create-slot", "--if-not-exists"],
        env=variables | {"PGCONNECT_TIMEOUT": str(PATIENCE)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError(made.stderr.strip())

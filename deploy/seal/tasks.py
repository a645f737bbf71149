"""The platform's tasks in one SQLite file: each step is on disk before the next begins, so that a kill loses and repeats nothing."""

import base64
import sqlite3
from datetime import datetime
from pathlib import Path

from shared.seal import SealResult, SealTask

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY,
    seal_code TEXT NOT NULL,
    digest TEXT NOT NULL,
    operator TEXT NOT NULL,
    document_title TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    cms BLOB,
    signed_at TEXT,
    certificate_serial TEXT,
    delivered INTEGER NOT NULL DEFAULT 0
) STRICT
"""


class OtherDigest(Exception):  # noqa: N818  named as the fact it states
    """The task id came before with another digest."""


class UnknownTask(Exception):  # noqa: N818
    """No such task was ever taken on."""


class Tasks:
    """All tasks this platform ever took on."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(_SCHEMA)

    def take_on(self, task: SealTask) -> None:
        """Remember a task; the same one again changes nothing. Raises OtherDigest."""
        self._db.execute(
            "INSERT INTO tasks (task_id, seal_code, digest, operator, document_title, callback_url)"
            " VALUES (:task_id, :seal_code, :digest, :operator, :document_title, :callback_url) ON CONFLICT DO NOTHING",
            task.model_dump(),
        )
        known = self._row(task.task_id)
        if (known["digest"], known["seal_code"]) != (task.digest, task.seal_code):
            raise OtherDigest(task.task_id)

    def keep_signature(self, task_id: str, cms: bytes, at: datetime, serial: str) -> None:
        """Keep the signature; the first one stays, whatever comes later."""
        self._db.execute(
            "UPDATE tasks SET cms = ?, signed_at = ?, certificate_serial = ? WHERE task_id = ? AND cms IS NULL",
            (cms, at.isoformat(), serial, task_id),
        )

    def mark_delivered(self, task_id: str) -> None:
        """The callback was answered with success."""
        self._db.execute("UPDATE tasks SET delivered = 1 WHERE task_id = ?", (task_id,))

    def undelivered(self) -> list[str]:
        """Tasks whose result nobody has acknowledged yet, oldest first."""
        return [row["task_id"] for row in self._db.execute("SELECT task_id FROM tasks WHERE delivered = 0 ORDER BY rowid")]

    def result(self, task_id: str) -> SealResult:
        """The task as the outside may see it. Raises UnknownTask."""
        row = self._row(task_id)
        return SealResult(
            task_id=task_id,
            digest=row["digest"],
            state="sealed" if row["cms"] else "accepted",
            cms=base64.b64encode(row["cms"]).decode() if row["cms"] else None,
            signed_at=row["signed_at"],
            certificate_serial=row["certificate_serial"],
        )

    def callback_url(self, task_id: str) -> str:
        """Where the result goes."""
        return str(self._row(task_id)["callback_url"])

    def _row(self, task_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute("SELECT * FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        if row is None:
            raise UnknownTask(task_id)
        return row

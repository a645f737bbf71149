"""Who was turned away at a door: one line each, by ids, in a file per process and day that is kept for half a year, and off the host by a setting.

What was allowed stands in the tables that are sealed (`models/audited.py`); this is what leaves no row. The law wants six months of both.
"""

import json
import logging
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

TURNED_AWAY = frozenset({401, 403, 408, 413, 429})
_log = logging.getLogger("bianban.security")


def set_up(process: str, folder: Path | None, days: int, otlp: str | None) -> None:
    """Keep lines in `folder` for so many days and send them to the collector `otlp`; each may be none. A file goes only after `days` younger ones."""
    for handler in [*_log.handlers]:
        _log.removeHandler(handler)
        handler.close()
    _log.propagate = False
    _log.setLevel(logging.INFO)
    if folder:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = Kept(folder / f"{process}.jsonl", days)
        kept.setFormatter(_Line())
        _log.addHandler(kept)
    if otlp:
        _log.addHandler(_Sent(process, f"{otlp.rstrip('/')}/v1/logs"))


def turned_away(scope: Mapping[str, Any], status: int) -> None:
    """One request and why it was not served, by its answer; who it was, as far as he was known."""
    if status not in TURNED_AWAY or not _log.handlers:
        return
    who = scope.get("state", {}).get("who")
    about = {
        "status": status,
        "method": scope["method"],
        "route": getattr(scope.get("route"), "path", "unknown"),
        "who": who.name if who else "",
        "from": (scope.get("client") or ("",))[0],
        "trace_id": scope.get("trace_id", ""),
    }
    _log.warning("turned away", extra={f"bianban.{name}": value for name, value in about.items()})


def _about(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name.startswith("bianban.")}


class Kept(TimedRotatingFileHandler):
    """A file a day, which several processes may write: at midnight none removes what another has put aside or begun."""

    def __init__(self, file: Path, days: int) -> None:
        super().__init__(file, when="midnight", backupCount=days, encoding="utf-8", delay=True)

    def doRollover(self) -> None:  # noqa: N802  as the class it extends names it
        """Put the day aside, where nobody has, and go on in the new file."""
        if self.stream:
            self.stream.close()
            self.stream = None
        day = time.strftime(self.suffix, time.localtime(self.rolloverAt - self.interval))
        self.rotate(self.baseFilename, f"{self.baseFilename}.{day}")
        for over in self.getFilesToDelete():
            Path(over).unlink(missing_ok=True)
        self.rolloverAt = self.computeRollover(int(time.time()))

    def rotate(self, source: str, dest: str) -> None:
        """Who makes the name of the day moves the file; for the others it was done."""
        if not Path(source).exists():
            return
        with suppress(FileExistsError, FileNotFoundError):
            Path(dest).touch(0o600, exist_ok=False)
            Path(source).rename(dest)


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        about = {name.removeprefix("bianban."): value for name, value in _about(record).items()}
        told = {"at": datetime.fromtimestamp(record.created, UTC).isoformat(), "event": record.getMessage()} | about
        return json.dumps(told, ensure_ascii=False)


class _Sent(logging.Handler):
    """OTLP by a thread of its own; what a collector that is away has missed stands in the file."""

    def __init__(self, process: str, endpoint: str) -> None:
        super().__init__()
        resource = Resource.create({"service.name": process, "host.name": socket.gethostname()})
        self._provider = LoggerProvider(resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint)))
        self._logger = self._provider.get_logger("bianban.security")

    def emit(self, record: logging.LogRecord) -> None:
        """Put it with what goes next."""
        at = int(record.created * 1e9)
        self._logger.emit(timestamp=at, severity_number=SeverityNumber.WARN, body=record.getMessage(), attributes=_about(record))

    def flush(self) -> None:
        """Send what waits."""
        self._provider.force_flush()

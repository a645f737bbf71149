"""Who was turned away stands in a file for half a year, and with a collector off the host, by ids only."""

import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import Depends, FastAPI
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from shared import security_log
from shared.auth import Permit, Tokens, Who
from shared.glossary import Role
from shared.guard import Rates
from shared.http import service_app
from shared.settings import StackSettings, WrongSettings


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    security_log.set_up("kit", None, 180, None)


@pytest.mark.asyncio
async def test_who_is_turned_away_is_a_line_and_who_is_served_is_none(tmp_path: Path) -> None:
    security_log.set_up("kit", tmp_path, 180, None)
    await knock()

    lines = [json.loads(line) for line in (tmp_path / "kit.jsonl").read_text().splitlines()]
    assert [(line["status"], line["who"], line["method"], line["route"]) for line in lines] == [
        (401, "", "GET", "/people/{id}"),
        (403, "clerk-7", "GET", "/people/{id}"),
    ]
    assert all(line["trace_id"] and line["from"] and line["at"] for line in lines)
    assert "秘密" not in (tmp_path / "kit.jsonl").read_text()


def test_a_day_is_deleted_only_after_as_many_younger_ones_as_are_to_be_kept(tmp_path: Path) -> None:
    security_log.set_up("kit", tmp_path, 180, None)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(200)]
    for day in days:
        (tmp_path / f"kit.jsonl.{day}").write_text("{}\n")
    (handler,) = logging.getLogger("bianban.security").handlers
    assert isinstance(handler, TimedRotatingFileHandler)
    handler.emit(logging.makeLogRecord({"msg": "turned away", "created": 0.0}))
    handler.rolloverAt = 0
    handler.doRollover()

    kept = sorted(path.name for path in tmp_path.iterdir() if path.name.count(".") == 2)
    assert len(kept) == 180
    assert f"kit.jsonl.{days[-1]}" in kept
    assert f"kit.jsonl.{days[0]}" not in kept


def test_at_midnight_two_processes_of_one_app_lose_nothing_of_each_other(tmp_path: Path) -> None:
    days = [f"kit.jsonl.{date(2026, 1, 1) + timedelta(days=number)}" for number in range(3)]
    for day in days:
        (tmp_path / day).touch()
    first, second = (security_log.Kept(tmp_path / "kit.jsonl", 4) for _ in range(2))
    yesterday = time.strftime("kit.jsonl.%Y-%m-%d", time.localtime(first.rolloverAt - 2 * first.interval))

    for number, handler in enumerate((first, second, first, second)):
        if number == 2:
            first.rolloverAt = second.rolloverAt = first.rolloverAt - first.interval
        handler.emit(logging.makeLogRecord({"msg": f"line {number}"}))
    first.close()
    second.close()

    told = {path.name: path.read_text().split("\n")[:-1] for path in tmp_path.iterdir()}
    assert told == {yesterday: ["line 0", "line 1"], "kit.jsonl": ["line 2", "line 3"]} | {day: [] for day in days}


def test_a_day_without_a_line_leaves_no_file_and_who_finds_an_old_one_gone_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = security_log.Kept(tmp_path / "kit.jsonl", 180)
    monkeypatch.setattr(kept, "getFilesToDelete", lambda: [str(tmp_path / "kit.jsonl.2026-01-01")])
    kept.rolloverAt = 0
    kept.emit(logging.makeLogRecord({"msg": "turned away"}))
    kept.close()

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"kit.jsonl": "turned away\n"}


def test_less_than_half_a_year_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("environment", "secrets_dir", "kafka", "temporal", "roster_url", "seal_url", "issuer"):
        monkeypatch.setenv(f"BIANBAN_{name.upper()}", "demo")
    monkeypatch.setenv("BIANBAN_SECURITY_DAYS", "179")
    with pytest.raises(WrongSettings, match="BIANBAN_SECURITY_DAYS 不能小于 180"):
        StackSettings()
    monkeypatch.setenv("BIANBAN_SECURITY_DAYS", "365")
    assert StackSettings().security_log[1] == 365


@pytest.mark.asyncio
async def test_with_a_collector_the_same_lines_leave_the_host() -> None:
    come: list[bytes] = []
    with collector(come) as address:
        security_log.set_up("kit", None, 180, address)
        await knock()
        for handler in logging.getLogger("bianban.security").handlers:
            handler.flush()

    records = [
        record
        for body in come
        for each in ExportLogsServiceRequest.FromString(body).resource_logs
        for record in each.scope_logs[0].log_records
    ]
    told = [{pair.key: pair.value for pair in record.attributes} for record in records]
    assert [about["bianban.status"].int_value for about in told] == [401, 403]
    assert told[1]["bianban.who"].string_value == "clerk-7"


async def knock() -> None:
    """Without a token, without the right, and as somebody who may."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    tokens = Tokens(public, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    app = service_app("kit", nothing)
    app.state.tokens, app.state.rates = tokens, Rates(0)

    @app.get("/people/{id}", dependencies=[Depends(Permit("traces.read", "public"))])
    async def one(id: str) -> str:  # noqa: A002  as routes name it
        return id

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as http:
        for role in (None, Role.UNIT_CLERK, Role.SYSTEM_ADMIN):
            who = Who("clerk-7", frozenset({role})) if role else None
            headers = {"Authorization": f"Bearer {tokens.issue(who, datetime.now(UTC))}"} if who else {}
            await http.get("/people/1?name=秘密", headers=headers)


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


class collector:  # noqa: N801  used as a function
    """Takes what is exported and answers that all is well."""

    def __init__(self, come: list[bytes]) -> None:
        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                come.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Take)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

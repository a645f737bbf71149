"""A backup is made while the story runs, the story goes on, and a fresh home is brought to the minute before: there the story is played to its end."""

import asyncio
import hashlib
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.console import Console

from deploy.backup.archive import complete_until
from deploy.backup.kept import size_of
from deploy.chaos.compare import CHECKS
from deploy.chaos.topics import compare_topics
from deploy.cli import DEMO_DATE
from deploy.demo import casework, rectification
from deploy.demo.cast import Cast, Facts, choose
from deploy.demo.city import DIRECTOR, OFFICER, SUPERVISOR, fill
from deploy.demo.stage import Stage
from deploy.demo.story import stage_of
from deploy.doors import Refused
from deploy.local import stack
from deploy.local.archive import archive_of
from deploy.local.place import PROJECT, Place
from deploy.quiet import Pulse, pulse_of
from deploy.reporting import rebuilt
from shared.clock import CHINA, at_hour
from shared.db import Connection
from tests.conftest import free_place
from tests.left_behind import people_in

PLACES = [Place(PROJECT / ".local" / f"test-restore-{slot}" / "first", 7000 + 150 * slot, "test") for slot in range(2)]
SERVED = ("roster", "approval", "monitoring", "reporting")
PARTS = [f"{service}-{part}" for service in SERVED for part in ("app", "worker")] + [
    *("identity-worker", "workflows-worker", "seal", "archive-wal", "archive-files")
]


@pytest.mark.asyncio
async def test_a_fresh_home_is_brought_to_a_stated_minute_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = free_place(PLACES)
    second, story = replace(first, home=first.home.with_name("second")), Console(file=io.StringIO())
    monkeypatch.setenv("BIANBAN_ARCHIVE_DIR", str(tmp_path / "archive"))
    for patient in ("deploy.demo.stage", "deploy.doors", "deploy.demo.city"):
        monkeypatch.setattr(f"{patient}.PATIENCE", 600.0)
    async with stack.running(first, PARTS):
        offset = at_hour(DEMO_DATE, 9) - datetime.now(UTC)
        first.clock_file.write_text(f"{round(offset / timedelta(seconds=1))}\n", encoding="utf-8")
        await fill(first, "demo")
        async with stage_of(first, story) as stage:
            play = Play(stage, await choose(stage.doors))
            await play.file_one()
            await play.turn_red()
            made = _bianban(first, "backup", str(tmp_path / "backup"), "--trim")
            assert re.search(r"早于本备份的日志 [1-9]", made)
            await play.freeze()
            minute = await _end_of_second()
            later = await play.what_comes_too_late()
        await _archived(first)
    second.forget()
    asked = ("restore", str(tmp_path / "backup"), "--until", f"{minute.astimezone(CHINA):%Y-%m-%d %H:%M:%S}")
    assert "缺少密钥文件" in _bianban(second, *asked, code=1)
    began = time.monotonic()
    restored = _bianban(second, *asked, "--secrets", str(first.home / "secrets"))
    assert "已有数据" in _bianban(second, *asked, code=1)
    async with _started(second), stage_of(second, story) as stage:
        play.stage, ready = stage, time.monotonic() - began
        await play.stands_as_then(later)
        await _right(second)
        await play.put_right()
        await _right(second)
        assert (await rebuilt(second)).rows_differing == 0
    assert people_in(first.home) == people_in(second.home) == {}
    sys.stdout.write(f"\n{made}{restored}从恢复开始到可用 {ready:.1f} 秒，备份 {size_of(tmp_path / 'backup') / 2**20:.0f} MB\n")


@dataclass
class Play:
    """The story of a school, and of a town beyond its quota."""

    stage: Stage
    cast: Cast
    facts: Facts = field(default_factory=Facts)
    filed: str = ""
    proof: str = ""

    async def file_one(self) -> None:
        """A sealed notice in the ledger."""
        school = self.cast.school
        self.filed = await casework.submit(self.stage, school, "post_use_application", "语文教师 1 名", kind="SY", funding="full", posts=1)
        await casework.approve_all(self.stage, self.filed, school)
        self.proof = (await casework.seal_and_file(self.stage, self.filed, school))["documents"][0]["sealed_sha256"]

    async def turn_red(self) -> None:
        """A red light and a term that runs; an application on the officer's desk."""
        await rectification.turn_red(self.stage, self.cast, self.facts)
        await rectification.serve_notice(self.stage, self.cast, self.facts)
        self.facts.pending = await self._wants_a_post("招聘 1 名")
        await casework.approve(self.stage, self.facts.pending, self.cast.town.head, "unit_head")
        await casework.at_step(self.stage, self.facts.pending, "business_review")

    async def freeze(self) -> None:
        """A freeze in force holds that application and one that comes after it."""
        body: dict[str, Any] = {
            "unit_id": self.cast.town.id,
            "issue_ids": [self.facts.issue],
            "scopes": ["post_use", "entry"],
            "reason": "拒不整改",
        }
        self.facts.order = (await self.stage.do(SUPERVISOR, "提出冻结", "monitoring", "/freeze-orders", body))["id"]
        await self._decide_on_order("decision", "望编冻〔2026〕1号")
        self.facts.late = await self._wants_a_post("冻结后提交")
        for application in (self.facts.pending, self.facts.late):
            await casework.in_state(self.stage, application, "paused")

    async def what_comes_too_late(self) -> list[str]:
        """Acknowledged behind the minute: where it is found."""
        body = {"description": "已出编。", "document_no": "整改报告", "attachments": []}
        await self.stage.do(self.cast.town.clerk, "提交整改材料", "monitoring", f"/issues/{self.facts.issue}/evidence", body)
        application = await casework.submit(
            self.stage, self.cast.school, "post_use_application", "数学教师 1 名", kind="SY", funding="full", posts=1
        )
        await casework.approve(self.stage, application, self.cast.school.head, "unit_head")
        person = await self.cast.register(self.stage, OFFICER, self.cast.school, "教师", technical=True)
        return [f"approval /applications/{application}", f"roster /persons/{person}"]

    async def stands_as_then(self, later: list[str]) -> None:
        """What was acknowledged before the minute is there, what came after is not."""
        stage, issue = self.stage, await self.stage.see(SUPERVISOR, "monitoring", f"/issues/{self.facts.issue}")
        assert issue["state"] == "rectifying"
        filed = (await casework.detail(stage, self.filed))["documents"][0]
        path = await stage.keep(self.cast.school.clerk, "approval", f"/documents/{filed['id']}/file", "kept.pdf")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == self.proof
        for application in (self.facts.pending, self.facts.late):
            await casework.in_state(stage, application, "paused")
        for service, where in (each.split() for each in later):
            with pytest.raises(Refused) as refused:
                await stage.see(OFFICER, service, where)
            assert refused.value.status == 404

    async def put_right(self) -> None:
        """Every case that was open goes on to its end, the light turns, and a new finding turns it again."""
        stage, town = self.stage, self.cast.town
        about = {"kind": "XZ", "funding": "state", "person_id": self.facts.person, "reason_code": "rectification"}
        leaving = await casework.submit(stage, town, "exit_application", "整改出编", **about, effective_on=stage.today.isoformat())
        await casework.approve_all(stage, leaving, town, director=False)
        await casework.seal_and_file(stage, leaving, town)
        body = {"description": "超编人员已出编。", "document_no": "整改报告", "attachments": []}
        await stage.do(town.clerk, "提交整改材料", "monitoring", f"/issues/{self.facts.issue}/evidence", body)
        await stage.until("规则不再发现", self._issue, lambda seen: not seen["present"], lambda seen: seen["state_label"])
        await stage.do(SUPERVISOR, "销号", "monitoring", f"/issues/{self.facts.issue}/acceptance", {"document_no": "望编验〔2026〕1号"})
        await self._light("green")
        await stage.until("提出解冻", self._order, lambda seen: seen["state"] == "release_proposed", lambda seen: seen["state"])
        await self._decide_on_order("release-decision", "望编解〔2026〕1号")
        await casework.approve(stage, self.facts.pending, OFFICER, "business_review")
        await casework.approve(stage, self.facts.pending, DIRECTOR, "director_approval")
        await casework.seal_and_file(stage, self.facts.pending, town)
        await casework.at_step(stage, self.facts.late, "unit_head")
        await rectification.turn_red(stage, self.cast, self.facts)

    async def _wants_a_post(self, title: str) -> str:
        return await casework.submit(self.stage, self.cast.town, "post_use_application", title, kind="SY", funding="full", posts=1)

    async def _decide_on_order(self, what: str, document_no: str) -> None:
        body = {"approve": True, "document_no": document_no, "reason": "依规"}
        await self.stage.do(DIRECTOR, "签署", "monitoring", f"/freeze-orders/{self.facts.order}/{what}", body)

    async def _issue(self) -> Any:
        return await self.stage.see(SUPERVISOR, "monitoring", f"/issues/{self.facts.issue}")

    async def _order(self) -> Any:
        return await self.stage.see(DIRECTOR, "monitoring", f"/freeze-orders/{self.facts.order}")

    async def _light(self, wanted: str) -> None:
        async def seen() -> Any:
            return await self.stage.see(OFFICER, "monitoring", f"/units/{self.cast.town.id}/light")

        await self.stage.until("灯色", seen, lambda found: found["light"] == wanted, lambda found: found["label"])


async def _end_of_second() -> datetime:
    """A whole second: all that was acknowledged lies before it, all that comes lies behind it."""
    minute = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    while datetime.now(UTC) <= minute:  # noqa: ASYNC110  a clock tells nobody
        await asyncio.sleep(0.05)
    return minute


async def _archived(place: Place) -> None:
    """Wait until the archive reaches beyond what was done."""
    done, archive = datetime.now(UTC), archive_of(place)
    assert archive is not None
    for _ in range(3000):
        if (complete := complete_until(archive)) and complete > done:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the archive does not follow")


def _bianban(place: Place, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *words],
        cwd=PROJECT,
        env=os.environ | _variables(place),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _variables(place: Place) -> dict[str, str]:
    """Which stack a command is for."""
    return {
        "BIANBAN_HOME": str(place.home),
        "BIANBAN_PORT_OFFSET": str(place.offset),
        "BIANBAN_ENVIRONMENT": place.environment,
        "COLUMNS": "300",
    }


@asynccontextmanager
async def _started(place: Place) -> AsyncIterator[None]:
    stack.launch(place, PARTS, with_parent=True)
    try:
        await stack.until_ready(place, patience=600)
        yield
    finally:
        stack.stop(place)


async def _right(place: Place) -> None:
    """Nothing is lost, doubled, parked or out of order, copies, lights and posts agree, no case has failed, and the seals hold."""
    owner = await asyncpg.connect(place.database_url("bianban"))
    try:
        async with pulse_of(place) as pulse:
            for _ in range(600):
                if not (found := await _wrong(owner, place, pulse)):
                    break
                await asyncio.sleep(1)
    finally:
        await owner.close()
    assert found == {}
    assert "全部封存一致" in _bianban(place, "audit", "verify")


async def _wrong(owner: Connection, place: Place, pulse: Pulse) -> dict[str, list[str]]:
    """What is not yet, or not at all, as it should be."""
    found = {name: await check(owner, []) for name, check in CHECKS.items()} | {"unsent": await pulse.unsent()}
    found |= await compare_topics(owner, place.kafka, set())
    failed = "ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled') OR (TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running')"
    found["failed"] = [each.id async for each in pulse.client.list_workflows(failed)]
    return {name: cases[:3] for name, cases in found.items() if cases}

"""The stage of the story: what is asked is told, what is seen is compared with what must be, and the first deviation ends it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.clock import Mover, Stop
from deploy.doors import Answer, Doors, Refused
from shared.clock import CHINA, business_day
from shared.law.working_days import Calendar

PATIENCE = 30.0
GLANCE = 0.02
WEEKDAYS = "一二三四五六日"


class Deviation(Exception):  # noqa: N818  named as the fact it states
    """The story went another way: what was looked at, what had to be, what was."""

    def __init__(self, what: str, expected: object, seen: object) -> None:
        super().__init__(f"{what}\n  应为：{expected}\n  实为：{seen}")


@dataclass
class Stage:
    """Where the story is played, and its memory: traces and documents by what they belong to."""

    doors: Doors
    mover: Mover
    calendar: Calendar
    out: Path
    console: Console
    traces: list[tuple[str, str]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    checks: int = 0

    @property
    def now(self) -> datetime:
        """The business instant, Beijing time."""
        return self.doors.clock.now().astimezone(CHINA)

    @property
    def today(self) -> date:
        """The business day."""
        return business_day(self.now)

    def act(self, number: int, title: str) -> None:
        """A new step of the story begins."""
        self.console.print(f"\n[bold]── {number}  {title}[/bold]    [dim]业务时间 {self.written(self.now)}[/dim]")

    def tell(self, line: str) -> None:
        """One line of evidence."""
        self.console.print(f"  [dim]·[/dim] {line}")

    async def do(self, user: str, said: str, service: str, path: str, body: dict[str, Any]) -> Any:
        """Somebody does something through a door; what he did, how long it took and its trace are told."""
        answer = await self.doors.post(user, service, path, body)
        return self._told(user, said, answer)

    def _told(self, user: str, said: str, answer: Answer) -> Any:
        if answer.trace_id:
            self.traces.append((said, answer.trace_id))
        self.console.print(f"  [green]›[/green] {user:<14} {said}  [dim]{answer.ms:.0f} ms  追踪 {answer.trace_id}[/dim]")
        return answer.body

    async def refused(self, user: str, said: str, code: str, service: str, path: str, body: dict[str, Any]) -> None:
        """Somebody tries what he may not; the refusal must have this code."""
        try:
            await self.doors.post(user, service, path, body)
        except Refused as refusal:
            self.expect(f"{said}（拒绝的代码）", code, refusal.code, quiet=True)
            self.console.print(f"  [yellow]✗[/yellow] {user:<14} {said}：被拒绝，{refusal.sentence}")
            return
        raise Deviation(said, f"拒绝 {code}", "办成了")

    async def see(self, user: str, service: str, path: str, **query: str | int) -> Any:
        """Read."""
        return (await self.doors.get(user, service, path, **query)).body

    def expect(self, what: str, expected: object, seen: object, *, quiet: bool = False) -> None:
        """What is seen must be what was expected. Raises Deviation."""
        if seen != expected:
            raise Deviation(what, expected, seen)
        self.checks += 1
        if not quiet:
            self.console.print(f"  [green]✓[/green] {what}：{seen}")

    async def until(
        self, what: str, look: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], show: Callable[[Any], object]
    ) -> Any:
        """Look until it holds; the answer that did. Raises Deviation after the patience."""
        deadline = time.monotonic() + PATIENCE
        while True:
            seen = await look()
            if holds(seen):
                self.checks += 1
                return seen
            if time.monotonic() > deadline:
                raise Deviation(what, f"{PATIENCE:.0f} 秒内发生", show(seen))
            await asyncio.sleep(GLANCE)

    async def advance(self, to: datetime, why: str) -> list[Stop]:
        """Business time goes on, through every instant at which something is due."""
        began, from_ = time.monotonic(), self.now
        stops: list[Stop] = []
        await self.mover.go(to, stops.append)
        cases = [f"{stop.at.astimezone(CHINA):%m-%d %H:%M} {self._due(name)}" for stop in stops for name in stop.due if ":" in name]
        self.console.print(
            f"  [blue]⏩[/blue] 推进业务时间：{self.written(from_)} → {self.written(self.now)}（{why}），"
            f"经过 {len(stops)} 个时点，用时 {time.monotonic() - began:.1f} 秒"
        )
        due = [case for case in cases if not case.split()[-1].startswith(("supervision", "sweep"))]
        if due:
            self.tell(f"其中到期的案件：{'；'.join(due[:6])}{'…' if len(due) > 6 else ''}")
        return stops

    @staticmethod
    def _due(name: str) -> str:
        kind, _, rest = name.partition(":")
        return f"{kind}:{rest[:8]}"

    async def keep(self, user: str, service: str, path: str, name: str) -> Path:
        """Fetch a file and keep it in the folder for results."""
        answer = await self.doors.get(user, service, path)
        target = self.out / name
        target.write_bytes(answer.content)
        self.files.append(target)
        return target

    @staticmethod
    def written(at: datetime) -> str:
        """An instant as people write it."""
        local = at.astimezone(CHINA)
        return f"{local:%Y-%m-%d}（周{WEEKDAYS[local.weekday()]}）{local:%H:%M}"

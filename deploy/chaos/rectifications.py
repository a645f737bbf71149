"""The supervisors' load: people beyond quota, red lights, notices, evidence, acceptance; some are left until their term is over."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from deploy.chaos.client import Client, Given
from deploy.chaos.people import register
from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER, SEALER, SUPERVISOR
from shared.clock import business_day
from shared.glossary import IssueState, PersonIdentity

KIND, FUNDING = "XZ", "state"
DISMISSED, LEFT_ALONE = 0.15, 0.3
"""How often an issue is dismissed, and how often a running term is left alone for a turn: some end before anything is handed in."""
TRIES = 20
"""So many looks, one a second, does an inspector take at a release on its way before he turns to another town and comes back later."""


@dataclass
class Found:
    """A town where somebody was recorded beyond quota. `issue`: once monitoring has told of it; `released`: whether he has left again."""

    placement: str
    issue: str = ""
    released: bool = False


@dataclass
class Inspector:
    """Looks after full towns, one step at a time. `open`: what is not settled yet, by the login of the town; it is come back to until it is."""

    client: Client
    towns: dict[str, str]
    inventor: Inventor
    chance: Random
    open: dict[str, Found] = field(default_factory=dict)

    async def run(self) -> None:
        """One step after the other until told to stop; what was refused or not seen in time is tried again when its town is come back to."""
        while not self.client.stopping.is_set():
            with contextlib.suppress(Given):
                await self._one()
            await asyncio.sleep(0.3)

    async def _one(self) -> None:
        login = self.chance.choice([*self.towns])
        light = await self._light(self.towns[login])
        if light is None:
            return
        if login in self.open:
            await self._go_on(login, self.open[login], light)
        elif light["light"] == "green":
            self.open[login] = Found(await self._add_one(self.towns[login]))

    async def _add_one(self, unit: str) -> str:
        today = business_day(self.client.clock.now())
        person = await register(self.client, self.inventor, OFFICER, unit, today, PersonIdentity.CIVIL_SERVANT)
        return await self._record(unit, person, (today - timedelta(days=30)).isoformat())

    async def _go_on(self, login: str, found: Found, light: dict[str, Any]) -> None:
        """The next step by where the issue stands: notice, seal, service, evidence, the person leaves, acceptance; or a dismissal."""
        found.issue = found.issue or next((why["issue_id"] for why in light["why"] if why["rule"] == "M01"), "")
        seen = await self._issue(found.issue) if found.issue else None
        match seen and seen["state"]:
            case IssueState.TO_VERIFY:
                await (self._dismiss if self.chance.random() < DISMISSED else self._confirm)(found.issue)
            case IssueState.NOTICE_SIGNED:
                await self._serve(found.issue)
            case IssueState.RECTIFYING | IssueState.OVERDUE if self.chance.random() >= LEFT_ALONE:
                await self._take_out(found)
                await self._hand_in(login, found.issue)
            case IssueState.EVIDENCE_SUBMITTED:
                await self._accept(found)
            case IssueState.CLOSED | IssueState.DISMISSED:
                await self._take_out(found)
                del self.open[login]

    async def _record(self, unit: str, person: str, since: str) -> str:
        body = {
            "person_id": person,
            "kind": KIND,
            "funding": FUNDING,
            "started_on": since,
            "cause": "violation",
            "reason": "检查发现",
            "document_no": "编督测",
        }
        answer = await self.client.post("over_quota", SUPERVISOR, "roster", f"/units/{unit}/over-quota", body, person=person, unit=unit)
        return str(answer["placement_id"])

    async def _confirm(self, issue: str) -> None:
        body = {"title": "关于限期整改的通知", "demand": "限期整改。", "budget_days": self.chance.randint(1, 20)}
        await self._order(issue, "confirmation", SUPERVISOR, body)

    async def _dismiss(self, issue: str) -> None:
        await self._order(issue, "dismissal", SUPERVISOR, {"reason": "查无此事"})

    async def _serve(self, issue: str) -> None:
        """Sealed first; whoever released it before is refused and looks whether it is sealed by now."""
        with contextlib.suppress(Given):
            await self._order(issue, "notice/release", SEALER, {})
        await self.client.until(f"seal of issue {issue}", lambda: self._issue(issue), lambda seen: seen["notice"]["standing"] == "sealed")
        await self._order(issue, "service", SUPERVISOR, {"served_on": self._today()})

    async def _take_out(self, found: Found) -> None:
        if not found.released:
            body = {"ended_on": self._today(), "exit_reason": "rectification", "document_no": "编出测"}
            path = f"/placements/{found.placement}/release"
            await self.client.post("release", OFFICER, "roster", path, body, placement=found.placement)
            found.released = True

    async def _hand_in(self, login: str, issue: str) -> None:
        body = {"description": "已出编。", "document_no": "整改报告", "attachments": []}
        await self._order(issue, "evidence", f"{login}.clerk", body)

    async def _accept(self, found: Found) -> None:
        """The rule may still find it for a moment, or for as long as the copy is behind: the release is on its way."""
        await self._take_out(found)
        for _ in range(TRIES):
            seen = await self._issue(found.issue)
            if seen and not seen["still_found"]:
                break
            await asyncio.sleep(1)
        await self._order(found.issue, "acceptance", SUPERVISOR, {"document_no": "编验测"})

    def _today(self) -> str:
        return business_day(self.client.clock.now()).isoformat()

    async def _order(self, issue: str, what: str, user: str, body: dict[str, Any]) -> dict[str, Any]:
        kind = what.replace("/", "_")
        return await self.client.post(kind, user, "monitoring", f"/issues/{issue}/{what}", body, issue=issue)

    async def _light(self, unit: str) -> dict[str, Any] | None:
        return await self.client.get(OFFICER, "monitoring", f"/units/{unit}/light")

    async def _issue(self, issue: str) -> dict[str, Any] | None:
        return await self.client.get(SUPERVISOR, "monitoring", f"/issues/{issue}")

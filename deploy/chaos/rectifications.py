"""The supervisors' load: people beyond quota, red lights, notices, evidence, acceptance; some are left until their term is over."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from deploy.chaos.client import Client, Given
from deploy.chaos.people import register
from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER, SEALER, SUPERVISOR
from shared.clock import business_day
from shared.glossary import PersonIdentity

KIND, FUNDING = "XZ", "state"


@dataclass
class Inspector:
    """Looks after one full town after the other. `left`: what he has found and left for later (issue and placement), by the login of the town."""

    client: Client
    towns: dict[str, str]
    inventor: Inventor
    chance: Random
    left: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def run(self) -> None:
        """One rectification after the other until told to stop."""
        while not self.client.stopping.is_set():
            with contextlib.suppress(Given):
                await self._one()
            await asyncio.sleep(0.3)

    async def _one(self) -> None:
        login = self.chance.choice([*self.towns])
        if login in self.left:
            await self._through(login, *self.left.pop(login))
            return
        unit = self.towns[login]
        light = await self._light(unit)
        if light is None or light["light"] != "green":
            return
        today = business_day(self.client.clock.now())
        person = await register(self.client, self.inventor, OFFICER, unit, today, PersonIdentity.CIVIL_SERVANT)
        placement = await self._record(unit, person, (today - timedelta(days=30)).isoformat())
        red = await self.client.until(lambda: self._light(unit), lambda seen: any(why["rule"] == "M01" for why in seen["why"]))
        issue = next(why["issue_id"] for why in red["why"] if why["rule"] == "M01")
        if self.chance.random() < 0.15:
            await self._order(issue, "dismissal", SUPERVISOR, {"reason": "查无此事"})
            await self._take_out(placement)(issue)
        elif self.chance.random() < 0.3:
            self.left[login] = issue, placement
            await asyncio.sleep(self.chance.uniform(1, 20))
        else:
            await self._through(login, issue, placement)

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

    async def _through(self, login: str, issue: str, placement: str) -> None:
        """Notice, seal, service, evidence, the person leaves, acceptance. With a short term a leap of the clock may end it first; a step that was
        refused or not seen in time does not keep the next from being tried.
        """
        for step in (self._confirm, self._seal, self._serve, self._take_out(placement), self._hand_in(login), self._accept):
            with contextlib.suppress(Given):
                await step(issue)
            if self.client.stopping.is_set():
                return

    async def _confirm(self, issue: str) -> None:
        body = {"title": "关于限期整改的通知", "demand": "限期整改。", "budget_days": self.chance.randint(1, 20)}
        await self._order(issue, "confirmation", SUPERVISOR, body)

    async def _seal(self, issue: str) -> None:
        await self._order(issue, "notice/release", SEALER, {})
        await self.client.until(lambda: self._issue(issue), lambda seen: seen["notice"]["standing"] == "sealed")

    async def _serve(self, issue: str) -> None:
        await self._order(issue, "service", SUPERVISOR, {"served_on": self._today()})

    def _take_out(self, placement: str) -> Callable[[str], Awaitable[None]]:
        async def take_out(_: str) -> None:
            body = {"ended_on": self._today(), "exit_reason": "rectification", "document_no": "编出测"}
            await self.client.post("release", OFFICER, "roster", f"/placements/{placement}/release", body)

        return take_out

    def _hand_in(self, login: str) -> Callable[[str], Awaitable[None]]:
        async def hand_in(issue: str) -> None:
            body = {"description": "已出编。", "document_no": "整改报告", "attachments": []}
            await self._order(issue, "evidence", f"{login}.clerk", body)

        return hand_in

    def _today(self) -> str:
        return business_day(self.client.clock.now()).isoformat()

    async def _accept(self, issue: str) -> None:
        """The rule may still find it for a moment: the release is on its way."""
        for _ in range(60):
            try:
                await self._order(issue, "acceptance", SUPERVISOR, {"document_no": "编验测"})
            except Given as refused:
                if refused.code != "still_found":
                    raise
                await asyncio.sleep(1)
            else:
                return

    async def _order(self, issue: str, what: str, user: str, body: dict[str, Any]) -> dict[str, Any]:
        kind = what.replace("/", "_")
        return await self.client.post(kind, user, "monitoring", f"/issues/{issue}/{what}", body, issue=issue)

    async def _light(self, unit: str) -> dict[str, Any] | None:
        return await self.client.get(OFFICER, "monitoring", f"/units/{unit}/light")

    async def _issue(self, issue: str) -> dict[str, Any] | None:
        return await self.client.get(SUPERVISOR, "monitoring", f"/issues/{issue}")

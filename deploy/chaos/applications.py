"""The units' load: applications through their whole chain, some returned and mended, some withdrawn while their post is being claimed."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from deploy.chaos.client import Client, Given
from deploy.chaos.people import FUNDING, KIND, register
from deploy.city.invented import Inventor
from deploy.demo.city import DIRECTOR, OFFICER, SEALER
from shared.clock import business_day
from shared.glossary import ApplicationState, PersonIdentity

TITLE = "压力测试申请"
OVER = (ApplicationState.RETURNED, ApplicationState.WITHDRAWN, ApplicationState.FILED)
"""Where nothing comes any more by itself: its claim was refused, say."""
STEPS = ("unit_head", "business_review", "director_approval")


@dataclass
class Clerk:
    """One unit's clerk, with the head of the unit and the office behind him."""

    client: Client
    units: dict[str, str]
    inventor: Inventor
    chance: Random

    async def run(self) -> None:
        """One application after the other until told to stop."""
        while not self.client.stopping.is_set():
            with contextlib.suppress(Given):
                await self._one()
            await asyncio.sleep(0.05)

    async def _one(self) -> None:
        login = self.chance.choice([*self.units])
        fate = self.chance.choices(["filed", "entered", "withdrawn", "returned", "left"], [3, 3, 3, 1, 1])[0]
        asked = {"type": "post_use_application", "posts": 1}
        application = await self._submit(login, asked)
        if fate == "withdrawn":
            await self._withdraw_at(login, application, self.chance.choice([0, 1, 2, 3, 3, 3]))
            return
        if fate == "left":
            return
        if fate == "returned":
            await self._return_and_mend(login, application, asked)
        await self._approve_all(login, application, 2 if fate == "returned" else 1)
        await self._file(application)
        if fate == "entered":
            await self._enter(login, application)

    async def _submit(self, login: str, asked: dict[str, Any]) -> str:
        body = self._body(login) | asked
        answer = await self.client.post("submit", f"{login}.clerk", "approval", "/applications", body, unit=self.units[login])
        return str(answer["application_id"])

    def _body(self, login: str) -> dict[str, Any]:
        return {"unit_id": self.units[login], "kind": KIND, "funding": FUNDING, "title": TITLE, "justification": "—"}

    async def _decide(self, login: str, application: str, step: str, revision: int = 1, verdict: str = "approve") -> None:
        await self._seen(application, "step", step, revision)
        user = {"unit_head": f"{login}.head", "business_review": OFFICER, "director_approval": DIRECTOR}[step]
        body = {"verdict": verdict, "revision": revision, "step": step, "opinion": "同意"}
        if verdict == "return":
            body["reason_codes"] = ["material_missing"]
        await self.client.post(
            "decide", user, "approval", f"/applications/{application}/decisions", body, application=application, step=step
        )

    async def _approve_all(self, login: str, application: str, revision: int = 1) -> None:
        for step in STEPS:
            await self._decide(login, application, step, revision)

    async def _return_and_mend(self, login: str, application: str, asked: dict[str, Any]) -> None:
        await self._decide(login, application, STEPS[0])
        await self._decide(login, application, STEPS[1], verdict="return")
        body = self._body(login) | {name: value for name, value in asked.items() if name != "type"} | {"revision": 1}
        path = f"/applications/{application}/resubmission"
        await self.client.post("resubmit", f"{login}.clerk", "approval", path, body, application=application)

    async def _withdraw_at(self, login: str, application: str, after: int) -> None:
        """After so many steps; after the last one it races the claim, and losing that race is an answer too."""
        for step in STEPS[:after]:
            await self._decide(login, application, step)
        path = f"/applications/{application}/withdrawal"
        await self.client.post("withdraw", f"{login}.clerk", "approval", path, {"reason": "撤回"}, application=application)

    async def _file(self, application: str) -> None:
        seen = await self._seen(application, "state", "awaiting_release")
        document = seen["documents"][0]["id"]
        await self.client.post("release_document", SEALER, "approval", f"/documents/{document}/release", {}, application=application)
        await self._seen(application, "state", "filed")

    async def _enter(self, login: str, authorised_by: str) -> None:
        """Somebody takes the post that was authorised; one in three is to begin later, and is withdrawn while the post is claimed."""
        unit, today = self.units[login], business_day(self.client.clock.now())
        found = await self.client.until(
            f"reservation of application {authorised_by}",
            lambda: self.client.get(OFFICER, "roster", f"/units/{unit}/reservations"),
            lambda seen: any(each["application_id"] == authorised_by for each in seen["items"]),
        )
        reservation = next(each["id"] for each in found["items"] if each["application_id"] == authorised_by)
        person = await register(self.client, self.inventor, f"{login}.clerk", unit, today, PersonIdentity.PROFESSIONAL)
        later = self.chance.random() < 0.34
        asked = {
            "type": "entry_application",
            "person_id": person,
            "reservation_id": reservation,
            "reason_code": "open_recruitment",
            "effective_on": (today + timedelta(days=60 if later else 0)).isoformat(),
        }
        application = await self._submit(login, asked)
        await self._approve_all(login, application)
        if later:
            path = f"/applications/{application}/withdrawal"
            await self.client.post("withdraw", f"{login}.clerk", "approval", path, {"reason": "撤回"}, application=application)
        else:
            await self._file(application)

    async def _seen(self, application: str, what: str, value: str, revision: int = 1) -> dict[str, Any]:
        found = await self.client.until(
            f"application {application}: {what} {value}, revision {revision}",
            lambda: self.client.get(OFFICER, "approval", f"/applications/{application}"),
            lambda seen: (seen[what] == value or seen["state"] in OVER) and seen["revision"] >= revision,
        )
        if found[what] != value:
            raise Given(f"application {found['state']}")
        return found

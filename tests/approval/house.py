"""What a test of approval talks to: the doors of approval and the roster as their users, and the tables."""

import asyncio
import io
import itertools
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pypdf
from temporalio.client import Client

from services.approval.commands.users import keep_user
from shared.auth import Tokens, Who
from shared.clock import Clock, at_hour
from shared.db import Database
from shared.glossary import Role
from tests.roster.given import BORN, id_number
from tests.servers import SealSwitch
from workflows.clock import CLOCK_MOVED, ClockMoved

T = TypeVar("T")
FRIDAY = date(2026, 9, 18)
NAME = "沈清和"
ID_NUMBER = id_number(31)
_numbers = itertools.count(1)


@dataclass
class House:
    """What a test talks to: two doors and the tables."""

    approval: httpx.AsyncClient
    roster: httpx.AsyncClient
    database: Database
    roster_database: Database
    temporal: Client
    tokens: Tokens
    clock: Clock
    folder: Path
    seal: SealSwitch
    town: uuid.UUID = field(default_factory=uuid.uuid4)
    school: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def clerk(self) -> Who:
        return Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (self.school,))

    @property
    def attachments(self) -> Path:
        """Where attachments lie."""
        return self.folder / "out" / "documents" / "attachments"

    @property
    def deciders(self) -> tuple[Who, ...]:
        head = Who("head-lu", frozenset({Role.UNIT_HEAD}), (self.school,))
        return head, Who("officer-shen", frozenset({Role.BUSINESS_OFFICER})), Who("director-gu", frozenset({Role.OFFICE_DIRECTOR}))

    @property
    def sealer(self) -> Who:
        return Who("sealer-he", frozenset({Role.SEAL_OPERATOR}))

    def headers(self, who: Who, key: str | None = None) -> dict[str, str]:
        token = self.tokens.issue(who, datetime.now(UTC))
        return {"authorization": f"Bearer {token}", "idempotency-key": key or f"key-{uuid.uuid4()}"}

    async def post(self, who: Who, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> httpx.Response:
        return await self.approval.post(path, json=body or {}, headers=self.headers(who, key))

    async def get(self, who: Who, path: str) -> Any:
        answer = await self.approval.get(path, headers=self.headers(who))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def submit(self, who: Who | None = None, **changes: Any) -> uuid.UUID:
        """Submit an application of the school and wait until it is received, or sent back."""
        asked = {"type": "post_use_application", "unit_id": str(self.school), "kind": "SY", "funding": "full", "title": "语文教师"}
        answer = await self.post(who or self.clerk, "/applications", asked | {"justification": "退休补员"} | changes)
        assert answer.status_code == 201, answer.text
        application = uuid.UUID(answer.json()["application_id"])
        await self.until(application, lambda seen: bool(seen["timeline"]))
        return application

    async def until(self, application: uuid.UUID, wanted: Callable[[Any], bool]) -> Any:
        return await eventually(lambda: self.get(self.sealer, f"/applications/{application}"), wanted)

    async def until_state(self, application: uuid.UUID, state: str) -> Any:
        return await self.until(application, lambda seen: seen["state"] == state)

    async def decide(self, application: uuid.UUID, who: Who, key: str | None = None, **changes: Any) -> httpx.Response:
        """Decide the step that waits."""
        seen = await self.get(self.sealer, f"/applications/{application}")
        body = {"verdict": "approve", "revision": seen["revision"], "step": seen["step"] or "—", "opinion": "同意"} | changes
        return await self.post(who, f"/applications/{application}/decisions", body, key)

    async def approve(self, application: uuid.UUID, head: Who | None = None) -> None:
        for who in (head or self.deciders[0], *self.deciders[1:]):
            answer = await self.decide(application, who)
            assert answer.status_code == 200, answer.text
            if answer.json()["step"] is None:
                return

    async def release(self, application: uuid.UUID) -> uuid.UUID:
        """Release the notice once it is written; the answer is its id."""
        seen = await self.until_state(application, "awaiting_release")
        document = seen["documents"][0]["id"]
        answer = await self.post(self.sealer, f"/documents/{document}/release", {"reason": "核对无误"})
        assert answer.status_code == 200, answer.text
        return uuid.UUID(document)

    async def ask_roster(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.roster.post(path, json=body, headers=self.headers(self.deciders[1]))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def settle_units(self, posts: int = 3) -> None:
        """A town with a school that has vacant posts, known to both services."""
        valid = {"valid_from": "2020-01-01", "document_no": "编〔2020〕1号"}
        town = await self.ask_roster("/units", valid | {"name": "云栖镇", "code": f"T{next(_numbers):04}", "category": "ZJ-Z"})
        self.town = uuid.UUID(next(iter(town.values())))
        unit = valid | {"name": "云栖镇中心小学", "code": f"S{next(_numbers):04}", "category": "SY-E", "parent_id": str(self.town)}
        self.school = uuid.UUID(next(iter((await self.ask_roster("/units", unit)).values())))
        await self.quota(self.school, posts)
        await eventually(lambda: self.database.pool.fetchval("SELECT count(*) FROM unit_copies"), lambda found: found == 2)

    async def quota(self, unit: uuid.UUID, posts: int) -> None:
        quota = {"kind": "SY", "funding": "full", "posts": posts, "effective_on": "2020-01-01", "document_on": "2020-01-01"}
        await self.ask_roster(f"/units/{unit}/quotas", quota | {"document_no": "编〔2020〕2号"})

    async def unit_beside(self) -> uuid.UUID:
        """A second school of the town, with a vacant post."""
        unit = {"name": "云栖镇第二小学", "code": f"S{next(_numbers):04}", "category": "SY-E", "parent_id": str(self.town)}
        answer = await self.ask_roster("/units", unit | {"valid_from": "2020-01-01", "document_no": "编〔2020〕1号"})
        other = uuid.UUID(next(iter(answer.values())))
        await self.quota(other, 1)
        await eventually(lambda: self.database.pool.fetchval("SELECT count(*) FROM unit_copies"), lambda found: found == 3)
        return other

    async def tell_of_account(self, name: str) -> None:
        """As identity does."""
        async with self.database.transaction() as conn:
            await keep_user(conn, name)

    def move_to(self, day: date) -> None:
        """Business time jumps; no open case waits for it."""
        (self.folder / "clock").write_text(str(round((at_hour(day, 9) - datetime.now(UTC)) / timedelta(seconds=1))))

    async def move_case_to(self, application: uuid.UUID, day: date) -> None:
        """Business time jumps, for one open case too."""
        self.move_to(day)
        case = self.temporal.get_workflow_handle(f"approval:{application}")
        await case.execute_update(CLOCK_MOVED, ClockMoved(offset=self.clock.offset()))

    async def person(self) -> str:
        facts = {"name": NAME, "id_number": ID_NUMBER, "sex": "F", "birth_on": BORN.isoformat(), "identity": "professional"}
        answer = await self.ask_roster(f"/units/{self.school}/persons", facts | {"post_category": "technical_post"})
        return str(answer["person_id"])

    async def person_in_post(self) -> str:
        """A person on a post of the school, placed by the office."""
        person = await self.person()
        post = {"person_id": person, "kind": "SY", "funding": "full", "started_on": "2026-09-01", "entry_reason": "open_recruitment"}
        authorised = {"authorisation_no": "编核〔2026〕9号", "authorised_on": "2026-08-01", "document_no": "编核〔2026〕9号"}
        await self.ask_roster(f"/units/{self.school}/placements", post | authorised)
        return person

    async def register_change(self, person: str, what: dict[str, Any]) -> str:
        """What a case of 信息变更 shall change; the id that its application carries."""
        return str((await self.ask_roster(f"/persons/{person}/key-changes", what))["change_id"])

    async def see_person(self, path: str) -> Any:
        """A person, or what stands below him, as the business section reads it."""
        return (await self.roster.get(f"/persons/{path}", headers=self.headers(self.deciders[1]))).json()

    async def filed_use(self) -> str:
        """An authorised, sealed, filed use; the answer is its reservation."""
        application = await self.submit()
        await self.approve(application)
        await self.release(application)
        await self.until_state(application, "filed")
        found = await self.roster.get(f"/units/{self.school}/reservations", headers=self.headers(self.deciders[1]))
        return str(next(iter(found.json().values()))[0]["id"])

    async def file(self, document: object) -> bytes:
        """A notice as the clerk reads it."""
        return (await self.approval.get(f"/documents/{document}/file", headers=self.headers(self.clerk))).content

    async def published(self, kind: str) -> int:
        """How many events of a type were written."""
        return int(await self.database.pool.fetchval("SELECT count(*) FROM event_log WHERE type = $1", kind))


async def eventually(ask: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], seconds: float = 60.0) -> T:
    """Ask until the answer is the wanted one."""
    for _ in range(int(seconds / 0.1)):
        found = await ask()
        if wanted(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {found!r}")


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "").replace(" ", "")

"""The seam to a seal platform (云签章): what is asked, what is answered, and how both sides know each other.

A task is created once per id; its result comes by callback, or by asking. Only digests travel.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.clock import Clock
from shared.errors import Conflict, NotFound, Unavailable

TIMESTAMP_HEADER = "X-Seal-Timestamp"
SIGNATURE_HEADER = "X-Seal-Signature"


class SealTaskRefused(Conflict):
    """The platform knows this task id with another digest, or will not seal."""

    code = "seal_task_refused"
    sentence = "印章平台拒绝了签章任务 {task_id}：同一任务编号已用于另一份文书，或印章不可用。"


class SealTaskUnknown(NotFound):
    """The platform has no such task."""

    code = "seal_task_unknown"
    sentence = "印章平台没有签章任务 {task_id}。"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Seal(_Message):
    """A seal the platform offers. `simulated` marks a demonstration seal without legal effect."""

    code: str
    name: str
    owner: str
    certificate: str
    face: str
    simulated: bool

    @property
    def face_pdf(self) -> bytes:
        """The seal's picture, one PDF page (印模)."""
        return base64.b64decode(self.face)


class SealTask(_Message):
    """What the platform is asked for. The title must not carry personal data."""

    task_id: str
    seal_code: str
    digest: str
    operator: str
    document_title: str
    callback_url: str


class SealResult(_Message):
    """What the platform answers and calls back with; `cms` is the signature (base64 DER) once `state` is sealed."""

    task_id: str
    digest: str
    state: Literal["accepted", "sealed"]
    cms: str | None = None
    signed_at: AwareDatetime | None = None
    certificate_serial: str | None = None


class CallbackRejected(Exception):  # noqa: N818  named as the fact it states
    """A callback that does not come from the platform, or is malformed."""


class SealPlatform(Protocol):
    """The seam to any seal platform (云签章)."""

    async def create_task(self, task: SealTask) -> SealResult:
        """Ask for a signature; the same task again gives the same answer. Raises SealTaskRefused, Unavailable."""
        ...

    async def get_task(self, task_id: str) -> SealResult:
        """The task as it stands, for a callback that got lost. Raises SealTaskUnknown, Unavailable."""
        ...

    async def list_seals(self) -> list[Seal]:
        """The seals on offer. Raises Unavailable."""
        ...


class EmbeddedSealPlatform:
    """The client of the embedded platform (`deploy/seal`), over HTTP."""

    def __init__(self, client: httpx.AsyncClient, secret: str, clock: Clock) -> None:
        """`client` has the platform's base URL and a time limit; `secret` is the text of `seal.hmac`."""
        self._client = client
        self._secret = secret
        self._clock = clock

    async def create_task(self, task: SealTask) -> SealResult:
        body = task.model_dump_json().encode()
        headers = signed_headers(body, self._secret, self._clock.now()) | {"Content-Type": "application/json"}
        answer = await self._ask("POST", "/tasks", body, headers)
        if answer.status_code == httpx.codes.CONFLICT:
            raise SealTaskRefused(task_id=task.task_id)
        return SealResult.model_validate_json(_good(answer))

    async def get_task(self, task_id: str) -> SealResult:
        answer = await self._ask("GET", f"/tasks/{task_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise SealTaskUnknown(task_id=task_id)
        return SealResult.model_validate_json(_good(answer))

    async def list_seals(self) -> list[Seal]:
        answer = await self._ask("GET", "/seals")
        _good(answer)
        return [Seal.model_validate(each) for each in answer.json()]

    async def _ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        try:
            return await self._client.request(method, path, content=body, headers=headers)
        except httpx.TransportError as error:
            raise Unavailable("seal platform") from error


def _good(answer: httpx.Response) -> bytes:
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise Unavailable(f"seal platform answered {answer.status_code}")
    return answer.content


def signed_headers(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The two headers that authenticate a message between this system and the platform: HMAC-SHA-256 over instant and body."""
    timestamp = str(int(at.timestamp()))
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: _mac(timestamp, body, secret)}


def is_authentic(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether the headers were made for this body with this secret.

    The age of a message is not judged: a replay changes nothing, since both sides take one result per (task id, digest).
    """
    found = {name.lower(): value for name, value in headers.items()}
    expected = _mac(found.get(TIMESTAMP_HEADER.lower(), ""), body, secret)
    return hmac.compare_digest(found.get(SIGNATURE_HEADER.lower(), "").encode(), expected.encode())


def verify_callback(headers: Mapping[str, str], body: bytes, secret: str) -> SealResult:
    """The result a callback carries. Raises CallbackRejected; match it on (task_id, digest) and store it before anything follows."""
    if not is_authentic(headers, body, secret):
        raise CallbackRejected("the signature of the callback is wrong")
    try:
        return SealResult.model_validate_json(body)
    except ValidationError:
        raise CallbackRejected("the callback is malformed") from None


def _mac(timestamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()

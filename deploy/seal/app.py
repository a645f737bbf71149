"""The platform's HTTP door, and the work behind it: take a task on, sign the digest, call back until it is acknowledged."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse
from pydantic import Field, ValidationError

from deploy.seal.keys import OWNER, KeptKeySigner, load_or_make
from deploy.seal.tasks import OtherDigest, Tasks, UnknownTask
from shared.clock import Clock
from shared.documents import Renderer
from shared.seal import Seal, SealResult, SealTask, is_authentic, signed_headers

SEAL_CODE = "DEMO-01"
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 15.0
_log = logging.getLogger("deploy.seal")


class CheckedTask(SealTask):
    """A task whose every field has the form this platform takes."""

    task_id: Annotated[str, Field(min_length=1, max_length=200)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    callback_url: Annotated[str, Field(pattern="^https?://")]


class Platform:
    """Tasks on their way from accepted over sealed to acknowledged; all of it can be picked up again after a kill."""

    def __init__(self, tasks: Tasks, signer: KeptKeySigner, secret: str, clock: Clock) -> None:
        """`secret` authenticates both directions."""
        self.tasks = tasks
        self.signer = signer
        self.secret = secret
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        self._running: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """Go on with everything that nobody has acknowledged yet."""
        for task_id in self.tasks.undelivered():
            self.begin(task_id)

    def begin(self, task_id: str) -> None:
        """Work on one task in the background, once."""
        if task_id not in self._running:
            self._running[task_id] = asyncio.create_task(self._carry_out(task_id))
            self._running[task_id].add_done_callback(lambda _: self._running.pop(task_id, None))

    async def close(self) -> None:
        """Stop working; the rest is on disk."""
        for running in list(self._running.values()):
            running.cancel()
        await self._client.aclose()

    async def _carry_out(self, task_id: str) -> None:
        await self._sign(task_id)
        pause = _FIRST_PAUSE
        while not await self._called_back(task_id):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        self.tasks.mark_delivered(task_id)

    async def _sign(self, task_id: str) -> None:
        known = self.tasks.result(task_id)
        if known.state == "sealed":
            return
        signature = await self.signer.async_sign(bytes.fromhex(known.digest), "sha256", use_pades=True)
        self.tasks.keep_signature(task_id, signature.dump(), self._clock.now(), self.signer.serial)

    async def _called_back(self, task_id: str) -> bool:
        body = self.tasks.result(task_id).model_dump_json().encode()
        headers = signed_headers(body, self.secret, self._clock.now()) | {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(self.tasks.callback_url(task_id), content=body, headers=headers)
        except httpx.HTTPError as error:
            _log.info("callback of %s not delivered: %s", task_id, type(error).__name__)
            return False
        return answer.is_success


router = APIRouter()


def create_app(folder: Path, secret: str, clock: Clock) -> FastAPI:
    """The platform with its state under `folder`; the key is made on first start."""
    signer = load_or_make(folder)
    platform = Platform(Tasks(folder / "tasks.db"), signer, secret, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        platform.resume()
        yield
        await platform.close()

    app = FastAPI(title="内嵌印章平台（模拟章，不具有法律效力）", version="1", lifespan=lifespan)
    app.state.platform = platform
    app.state.seal = _demo_seal(signer, clock)
    app.include_router(router)
    return app


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


@router.post("/tasks", status_code=202)
async def create_task(request: Request) -> SealResult:
    """Take a task on. The body must be authenticated; the same task again gives the same answer."""
    platform, body = _platform(request), await request.body()
    if not is_authentic(request.headers, body, platform.secret):
        raise HTTPException(401, "unauthenticated")
    task = _checked(body)
    if task.seal_code != SEAL_CODE:
        raise HTTPException(409, "no such seal")
    try:
        platform.tasks.take_on(task)
    except OtherDigest:
        raise HTTPException(409, "this task id came with another digest") from None
    if task.task_id in platform.tasks.undelivered():
        platform.begin(task.task_id)
    return platform.tasks.result(task.task_id)


@router.get("/tasks/{task_id}")
async def get_task(request: Request, task_id: str) -> SealResult:
    """One task as it stands."""
    try:
        return _platform(request).tasks.result(task_id)
    except UnknownTask:
        raise HTTPException(404, "no such task") from None


@router.get("/seals")
async def list_seals(request: Request) -> list[Seal]:
    """The one demonstration seal, with its face and certificate."""
    return [request.app.state.seal]


@router.get("/certificate", response_class=PlainTextResponse)
async def certificate(request: Request) -> str:
    """The certificate (PEM) that whoever wants to verify must trust."""
    return _platform(request).signer.certificate_pem


@router.get("/live")
@router.get("/ready")
async def live() -> dict[str, str]:
    """Up, and what it is."""
    return {"status": "live", "kind": "simulator"}


def _checked(body: bytes) -> CheckedTask:
    try:
        return CheckedTask.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, json.loads(error.json(include_input=False, include_url=False))) from None


def _demo_seal(signer: KeptKeySigner, clock: Clock) -> Seal:
    face = Renderer().pdf(Path(__file__).parent / "face.typ", {"owner": OWNER}, clock.now())
    return Seal(
        code=SEAL_CODE,
        name="机构编制业务专用章（模拟章）",
        owner=OWNER,
        certificate=signer.certificate_pem,
        face=base64.b64encode(face).decode(),
        simulated=True,
    )

"""The embedded platform as a real process: it signs once per task, calls back until it is heard, and survives kill -9."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI, Request, Response

from shared.clock import Clock
from shared.documents import Renderer
from shared.errors import Unavailable
from shared.seal import (
    CallbackRejected,
    EmbeddedSealPlatform,
    SealResult,
    SealTask,
    SealTaskRefused,
    SealTaskUnknown,
    complete,
    prepare,
    signed_headers,
    verify,
    verify_callback,
)
from tests.servers import free_port

SECRET = "0f" * 32
AT = datetime(2026, 9, 18, 1, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
DIGEST = "ab" * 32


class SealProcess:
    """`python -m deploy.seal` with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        (home / "secrets").mkdir()
        (home / "secrets" / "seal.hmac").write_text(SECRET, encoding="utf-8")
        (home / "clock").write_text("-3600", encoding="utf-8")
        self._environment = {
            "PATH": os.environ["PATH"],
            "BIANBAN_HOME": str(home),
            "BIANBAN_SECRETS_DIR": str(home / "secrets"),
            "BIANBAN_SEAL_URL": self.url,
            "BIANBAN_CLOCK_FILE": str(home / "clock"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "deploy.seal"], cwd=ROOT, env=self._environment)
        end = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < end, "the platform does not come up"
            time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False


class Office:
    """The receiving side: keeps what the platform calls back with."""

    def __init__(self) -> None:
        self.port = free_port()
        self.heard: list[SealResult] = []
        self.refuse_first = 0
        self.refused = 0

    @property
    def callback_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/callbacks"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        app = FastAPI()
        app.add_api_route("/callbacks", self._receive, methods=["POST"])
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        yield
        server.should_exit = True
        await serving

    async def _receive(self, request: Request) -> Response:
        result = verify_callback(request.headers, await request.body(), SECRET)
        if self.refused < self.refuse_first:
            self.refused += 1
            return Response(status_code=503)
        self.heard.append(result)
        return Response(status_code=204)

    def task(self, task_id: str, digest: str = DIGEST) -> SealTask:
        return SealTask(
            task_id=task_id,
            seal_code="DEMO-01",
            digest=digest,
            operator="officer-1",
            document_title="通知单",
            callback_url=self.callback_url,
        )


async def until(condition: Callable[[], object | Awaitable[object]], limit: float = 20.0) -> None:
    """Wait for a condition (plain or awaitable) in short steps."""
    end = time.monotonic() + limit
    while True:
        met = condition()
        if await met if isinstance(met, Awaitable) else met:
            return
        assert time.monotonic() < end, "not met in time"
        await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SealProcess]:
    """One platform for all tests that do not kill it; each uses task ids of its own."""
    process = SealProcess(tmp_path_factory.mktemp("lasting"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[SealProcess]:
    process = SealProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@asynccontextmanager
async def client_of(seal: SealProcess) -> AsyncIterator[EmbeddedSealPlatform]:
    async with httpx.AsyncClient(base_url=seal.url, timeout=10, trust_env=False) as client:
        yield EmbeddedSealPlatform(client, SECRET, Clock(None))


@pytest_asyncio.fixture
async def platform(lasting: SealProcess) -> AsyncIterator[EmbeddedSealPlatform]:
    async with client_of(lasting) as client:
        yield client


async def sealed(platform: EmbeddedSealPlatform, task_id: str) -> SealResult:
    await until(lambda: _is_sealed(platform, task_id))
    return await platform.get_task(task_id)


async def _is_sealed(platform: EmbeddedSealPlatform, task_id: str) -> bool:
    return (await platform.get_task(task_id)).state == "sealed"


@pytest.mark.asyncio
async def test_a_document_is_sealed_through_task_and_callback_and_verifies(platform: EmbeddedSealPlatform, lasting: SealProcess) -> None:
    office, (offered,) = Office(), await platform.list_seals()
    pdf = Renderer().pdf(ROOT / "services" / "approval" / "templates" / "post_use_notice.typ", {"issuer": "编办", "demo_seal": True}, AT)
    prepared = prepare(pdf, offered, "核准用编", AT)

    async with office.open():
        await platform.create_task(office.task("whole-way", prepared.placeholder.digest))
        await until(lambda: office.heard)

    sealed_pdf = await asyncio.to_thread(complete, prepared.pdf, prepared.placeholder, base64.b64decode(office.heard[0].cms or ""))
    async with httpx.AsyncClient(trust_env=False) as client:
        certificate = (await client.get(f"{lasting.url}/certificate")).text
    verdict = await asyncio.to_thread(verify, sealed_pdf, [certificate])
    assert (verdict.intact, verdict.trusted) == (True, True)
    assert (offered.simulated, "不具有法律效力" in (verdict.signer or "")) == (True, True)


@pytest.mark.asyncio
async def test_trap_30_a_repeated_task_gives_the_same_signature_and_is_never_sealed_twice(platform: EmbeddedSealPlatform) -> None:
    office = Office()
    async with office.open():
        await asyncio.gather(*(platform.create_task(office.task("repeated")) for _ in range(5)))
        first = await sealed(platform, "repeated")

        again = await platform.create_task(office.task("repeated"))
        await until(lambda: office.heard)

    assert again == first
    assert {result.cms for result in office.heard} == {first.cms}


@pytest.mark.asyncio
async def test_the_same_task_id_with_another_digest_is_refused(platform: EmbeddedSealPlatform) -> None:
    office = Office()
    await platform.create_task(office.task("two-digests"))

    with pytest.raises(SealTaskRefused):
        await platform.create_task(office.task("two-digests", "cd" * 32))

    assert (await platform.get_task("two-digests")).digest == DIGEST


@pytest.mark.asyncio
async def test_a_callback_is_repeated_until_it_is_acknowledged(platform: EmbeddedSealPlatform) -> None:
    office = Office()
    office.refuse_first = 2

    async with office.open():
        await platform.create_task(office.task("unheard"))
        await until(lambda: office.heard)

    assert (office.refused, len(office.heard)) == (2, 1)


@pytest.mark.asyncio
async def test_kill_9_between_task_and_callback_loses_nothing_and_seals_nothing_twice(mortal: SealProcess) -> None:
    office = Office()  # nobody listens yet
    async with client_of(mortal) as platform:
        await platform.create_task(office.task("sealed-before"))
        before = await sealed(platform, "sealed-before")
        (offered,) = await platform.list_seals()
        await platform.create_task(office.task("just-accepted"))

    mortal.kill()
    async with office.open():
        await asyncio.to_thread(mortal.start)
        await until(lambda: {result.task_id for result in office.heard} == {"sealed-before", "just-accepted"})

    async with client_of(mortal) as platform:
        assert (await platform.list_seals())[0].certificate == offered.certificate
    assert next(result for result in office.heard if result.task_id == "sealed-before") == before


@pytest.mark.asyncio
async def test_an_acknowledged_task_is_not_called_back_again_after_a_restart(mortal: SealProcess) -> None:
    office = Office()
    async with office.open():
        async with client_of(mortal) as platform:
            await platform.create_task(office.task("first"))
            await until(lambda: office.heard)
            await platform.create_task(office.task("second"))  # its answer comes after the first one was marked
            await until(lambda: len(office.heard) == 2)
        mortal.kill()

        await asyncio.to_thread(mortal.start)
        async with client_of(mortal) as platform:
            await platform.create_task(office.task("third"))
            await until(lambda: any(result.task_id == "third" for result in office.heard))

    assert [result.task_id for result in office.heard].count("first") == 1


@pytest.mark.asyncio
async def test_the_time_of_sealing_follows_the_stacks_business_clock(platform: EmbeddedSealPlatform) -> None:
    await platform.create_task(Office().task("timed"))

    signed_at = (await sealed(platform, "timed")).signed_at

    assert signed_at is not None
    assert 3_500 < (datetime.now(UTC) - signed_at).total_seconds() < 3_700


@pytest.mark.asyncio
async def test_the_platform_seals_for_nobody_without_the_secret(lasting: SealProcess) -> None:
    body = Office().task("no-secret").model_dump_json().encode()

    async with httpx.AsyncClient(base_url=lasting.url, trust_env=False) as client:
        answers = [await client.post("/tasks", content=body, headers=each) for each in ({}, signed_headers(body, "wrong", AT))]

        assert [answer.status_code for answer in answers] == [401, 401]
        assert (await client.get("/tasks/no-secret")).status_code == 404


@pytest.mark.asyncio
async def test_an_unknown_task_and_an_absent_platform_are_told_apart(platform: EmbeddedSealPlatform) -> None:
    with pytest.raises(SealTaskUnknown):
        await platform.get_task("never-asked")

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port()}", trust_env=False) as nobody:
        with pytest.raises(Unavailable):
            await EmbeddedSealPlatform(nobody, SECRET, Clock(None)).create_task(Office().task("absent"))


def test_a_callback_with_a_wrong_signature_or_a_changed_body_is_recognised() -> None:
    body = SealResult(task_id="task-1", digest=DIGEST, state="accepted").model_dump_json().encode()
    headers = signed_headers(body, SECRET, AT)

    assert verify_callback(headers, body, SECRET).task_id == "task-1"
    forgeries = [
        (headers, body.replace(b"task-1", b"task-2"), SECRET),
        (headers, body, "other"),
        ({}, body, SECRET),
        (headers | {"X-Seal-Timestamp": "0"}, body, SECRET),
        (signed_headers(b"{}", SECRET, AT), b"{}", SECRET),
    ]
    for forged_headers, forged_body, secret in forgeries:
        with pytest.raises(CallbackRejected):
            verify_callback(forged_headers, forged_body, secret)

"""What the house of a test stands on: served applications, the seal platform, secrets and environment."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI

from deploy.local.place import Place
from shared.auth import Tokens
from shared.crypto import KeyRing, Suite, new_key
from tests import secret_files


class SealSwitch:
    """The foreign platform, which a test may stop and start."""

    def __init__(self, app: Callable[[], FastAPI], port: int) -> None:
        self._app, self.port = app, port
        self._open: AsyncExitStack | None = None

    async def start(self) -> None:
        self._open = AsyncExitStack()
        await self._open.enter_async_context(served(self._app(), self.port))

    async def stop(self) -> None:
        if self._open:
            await self._open.aclose()
        self._open = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    serving = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers a flag, no event
        await asyncio.sleep(0.02)
    yield
    server.should_exit = True
    await serving


def make_secrets(folder: Path) -> Tokens:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    secret_files.write(folder / "token.key", private)
    (folder / "token.pub").write_text(public)
    secret_files.write(folder / "field.keys", KeyRing((new_key(1, Suite.AES),)).text())
    for name in ("payload.key", "seal.hmac"):
        secret_files.write(folder / name, secrets.token_hex(32))
    return Tokens(public, private)


def environment(stack: Place, url: Callable[[str], str], kafka: tuple[str, str], folder: Path) -> dict[str, str]:
    return stack.variables() | {
        "BIANBAN_SECRETS_DIR": str(folder),
        "BIANBAN_CLOCK_FILE": str(folder / "clock"),
        "BIANBAN_TOPIC_PREFIX": kafka[1],
        "BIANBAN_OUT_DIR": str(folder / "out"),
        "APPROVAL_DATABASE_URL": url("approval"),
        "ROSTER_DATABASE_URL": url("roster"),
    }

"""Wiring of the HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.identity import api
from services.identity.api.limits import SignInLimits
from services.identity.commands.gate import Gate
from services.identity.settings import IdentitySettings
from shared import db, security_log, telemetry, upkeep
from shared.auth import Tokens
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.guard import Rates
from shared.http import service_app


def create_app() -> FastAPI:
    """The application; settings come from the environment."""
    settings = IdentitySettings()
    telemetry.set_up("identity-app", settings.otlp)
    security_log.set_up("identity-app", *settings.security_log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.connect(settings.database_url, "identity") as database:
            app.state.database = database
            app.state.ready = {"database": database.ping}
            yield

    app = service_app("identity", lifespan)
    app.state.tokens = Tokens(settings.secrets_dir / "token.pub", settings.secrets_dir / "token.key")
    app.state.rates = Rates(settings.requests_per_minute)
    app.state.clock = Clock(settings.clock_file)
    app.state.gate = Gate(settings.policy(), FieldCipher(RingFile(settings.secrets_dir / "account.keys")))
    app.state.sign_in_limits = SignInLimits(settings.attempts)
    for router in (*api.ROUTERS, *((api.DEMO,) if settings.demo else ()), upkeep.router):
        app.include_router(router)
    return app

"""Wiring of the HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from services.identity import api
from services.identity.api.limits import SignInLimits
from services.identity.api.provider import Provider, ProviderSettings
from services.identity.api.words import WORDS
from services.identity.commands.gate import Gate
from services.identity.commands.second_factors import opens
from services.identity.queries.exports import EXPORTS
from services.identity.settings import IdentitySettings
from shared import db, security_log, telemetry, upkeep
from shared.auth import Tokens
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.exports.shelf import Shelf
from shared.guard import Rates
from shared.http import serve, service_app
from shared.known_keys import KnownKeys


def create_app() -> FastAPI:
    """The application; settings come from the environment."""
    settings = IdentitySettings()
    telemetry.set_up("identity-app", settings.otlp)
    security_log.set_up("identity-app", *settings.security_log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.connect(settings.database_url, "identity", patience=db.DOOR) as database, httpx.AsyncClient(trust_env=False) as http:
            app.state.database = database
            if settings.oidc_issuer:
                app.state.provider = Provider(provider_of(settings), app.state.gate.cipher, http)
            known = KnownKeys(database, app.state.gate.cipher, "account.keys", opens)
            await known.compare()
            app.state.ready = {"database": database.ping, "account.keys": known.ensure}
            yield

    app = service_app("identity", lifespan, WORDS)
    app.state.tokens = Tokens(settings.secrets_dir / "token.pub", settings.secrets_dir / "token.key")
    app.state.rates = Rates(settings.requests_per_minute)
    app.state.clock = Clock(settings.clock_file)
    app.state.gate = Gate(settings.policy(), FieldCipher(RingFile(settings.secrets_dir / "account.keys")))
    app.state.exports = EXPORTS
    app.state.shelf = Shelf(settings.exports("identity"), app.state.gate.cipher)
    app.state.sign_in_limits = SignInLimits(settings.attempts)
    demo = (api.DEMO,) if settings.demo else ()
    provider = (api.PROVIDER,) if settings.oidc_issuer else ()
    serve(app, (*api.ROUTERS, *demo, *provider, upkeep.router))
    return app


def provider_of(settings: IdentitySettings) -> ProviderSettings:
    """The office's provider, as it is set."""
    secret = settings.secret("oidc.secret")
    return ProviderSettings(settings.oidc_issuer, settings.oidc_client, secret, settings.oidc_redirect, settings.oidc_claim)

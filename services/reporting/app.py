"""Wiring of the HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.reporting import api, queries
from services.reporting.settings import ReportingSettings
from shared import db, security_log, telemetry, upkeep
from shared.auth import Tokens
from shared.clock import Clock
from shared.exports import api as exports
from shared.exports.shelf import Shelf
from shared.guard import Rates
from shared.http import serve, service_app


def create_app() -> FastAPI:
    """The application; settings come from the environment."""
    settings = ReportingSettings()
    telemetry.set_up("reporting-app", settings.otlp)
    security_log.set_up("reporting-app", *settings.security_log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.connect(settings.database_url, "reporting", patience=db.DOOR) as database:
            app.state.database = database
            app.state.ready = {"database": database.ping}
            yield

    app = service_app("reporting", lifespan, api.WORDS)
    app.state.tokens = Tokens(settings.secrets_dir / "token.pub")
    app.state.rates = Rates(settings.requests_per_minute)
    app.state.clock = Clock(settings.clock_file)
    app.state.exports = queries.EXPORTS
    app.state.shelf = Shelf(settings.exports("reporting"), None)
    serve(app, (api.router, upkeep.router, exports.router))
    return app

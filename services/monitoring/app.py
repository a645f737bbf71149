"""Wiring of monitoring's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.monitoring.api import ROUTERS
from services.monitoring.api.turns import Turns
from services.monitoring.api.words import WORDS
from services.monitoring.models.facts import Surroundings
from services.monitoring.queries.exports import EXPORTS
from services.monitoring.queries.lists import REGISTER
from services.monitoring.settings import MonitoringSettings
from shared import case_events, security_log, telemetry, upkeep
from shared.auth import Tokens
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.db import DOOR, connect
from shared.documents import Renderer
from shared.exports.shelf import Shelf
from shared.guard import Rates
from shared.http import serve, service_app
from shared.known_keys import of_shelf
from shared.law.notices import Notices
from shared.temporal import connect as connect_temporal


def create_app() -> FastAPI:
    """The application uvicorn serves."""
    settings = MonitoringSettings()
    telemetry.set_up("monitoring-app", settings.otlp)
    security_log.set_up("monitoring-app", *settings.security_log)
    clock = Clock(settings.clock_file)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        payload_key = bytes.fromhex(settings.secret("payload.key"))
        app.state.temporal = await connect_temporal(settings.temporal, settings.temporal_namespace, payload_key, lazy=True)
        async with connect(settings.database_url, "monitoring", patience=DOOR) as database:
            app.state.database = database
            known = of_shelf(database, app.state.evidence, app.state.cipher)
            await known.compare()
            app.state.ready = {"database": database.ping, "field.keys": known.ensure}
            yield

    app = service_app("monitoring", lifespan, WORDS)
    app.state.tokens = Tokens(settings.secrets_dir / "token.pub")
    app.state.rates = Rates(settings.requests_per_minute)
    app.state.clock = clock
    app.state.turns = Turns()
    app.state.folder = settings.documents
    app.state.notices = settings.notices
    app.state.cipher = FieldCipher(RingFile(settings.secrets_dir / "field.keys"))
    app.state.evidence = Shelf(settings.evidence, app.state.cipher)
    app.state.issuer = settings.issuer
    app.state.demo_seal = settings.demo_seal
    app.state.renderer = Renderer(settings.font_dir, settings.mark)
    app.state.seal_secret = settings.secret("seal.hmac")
    app.state.surroundings = Surroundings(
        Notices(settings.calendar_folder).calendar, lambda: clock.offset() if settings.may_move_time else None, clock.now
    )
    app.state.exports = EXPORTS
    app.state.register = REGISTER
    app.state.shelf = Shelf(settings.exports("monitoring"), None)
    serve(app, (*ROUTERS, case_events.router, upkeep.router))
    return app

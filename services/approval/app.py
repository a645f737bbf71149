"""Wiring of approval's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI

from services.approval import api
from services.approval.api.words import WORDS
from services.approval.queries.exports import EXPORTS
from services.approval.queries.notices import RosterReader
from services.approval.queries.previews import Desk
from services.approval.settings import ApprovalSettings
from shared import case_events, db, security_log, telemetry, temporal, upkeep
from shared.auth import ServiceToken, Tokens
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.documents import Renderer
from shared.exports.shelf import Shelf
from shared.guard import Rates
from shared.http import serve, service_app
from shared.known_keys import of_shelf
from shared.law.notices import Notices
from shared.traces import carry


def create_app() -> FastAPI:
    """The application, set up from the environment."""
    settings = ApprovalSettings()
    telemetry.set_up("approval-app", settings.otlp)
    security_log.set_up("approval-app", *settings.security_log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        payload_key = bytes.fromhex(settings.secret("payload.key"))
        async with (
            db.connect(settings.database_url, "approval", patience=db.DOOR) as database,
            httpx.AsyncClient(base_url=settings.roster_url, timeout=10, trust_env=False, event_hooks={"request": [carry]}) as roster,
        ):
            app.state.database, app.state.desk = database, _desk(settings, roster)
            app.state.temporal = await temporal.connect(settings.temporal, settings.temporal_namespace, payload_key, lazy=True)
            known = of_shelf(database, app.state.attachments, app.state.cipher)
            await known.compare()
            app.state.ready = {"database": database.ping, "field.keys": known.ensure}
            yield

    app = service_app("approval", lifespan, WORDS)
    app.state.tokens = Tokens(settings.secrets_dir / "token.pub")
    app.state.rates = Rates(settings.requests_per_minute)
    app.state.clock = Clock(settings.clock_file)
    app.state.may_move_time = settings.may_move_time
    app.state.calendar = Notices(settings.calendar_folder).calendar
    app.state.seal_secret = settings.secret("seal.hmac")
    app.state.documents = settings.documents
    app.state.cipher = FieldCipher(RingFile(settings.secrets_dir / "field.keys"))
    app.state.attachments = Shelf(settings.attachments, app.state.cipher)
    app.state.exports = EXPORTS
    app.state.shelf = Shelf(settings.exports("approval"), None)
    serve(app, (*api.ROUTERS, case_events.router, upkeep.router))
    return app


def _desk(settings: ApprovalSettings, roster: httpx.AsyncClient) -> Desk:
    """Where previews are written."""
    token = ServiceToken("approval", settings.secrets_dir, production=settings.environment == "production")
    mark = "　".join(filter(None, ("预览件：未编号、未签章，不作依据", settings.mark)))
    reader = RosterReader(roster, lambda: token.at(datetime.now(UTC)))
    return Desk(reader, settings.issuer, lambda: Renderer(settings.font_dir, mark), settings.demo_seal)

"""Wiring of the roster's HTTP process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.roster import api
from services.roster.api.words import WORDS
from services.roster.commands.keys import opens
from services.roster.queries.comparison_facts import own_leads_of
from services.roster.queries.exports import EXPORTS
from services.roster.settings import RosterSettings
from shared import case_events, db, security_log, telemetry, upkeep
from shared.auth import Tokens
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.exports.shelf import Shelf
from shared.guard import Rates
from shared.http import serve, service_app
from shared.known_keys import KnownKeys
from shared.law.notices import Notices
from shared.settings import StackSettings
from shared.sheets.reading import OPEN_AT_ONCE

SEARCHES_PER_MINUTE = 60
"""For people by name or number, of one caller: more than anybody reads, too few to go through a county."""


def create_app() -> FastAPI:
    """The application, set up from the environment."""
    stack, settings = StackSettings(), RosterSettings()
    telemetry.set_up("roster-app", stack.otlp)
    security_log.set_up("roster-app", *stack.security_log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.connect(settings.database_url, "roster", patience=db.DOOR) as database:
            app.state.database = database
            known = KnownKeys(database, app.state.cipher, "field.keys", opens)
            await known.compare()
            app.state.ready = {"database": database.ping, "field.keys": known.ensure}
            yield

    app = service_app("roster", lifespan, WORDS)
    app.state.tokens = Tokens(stack.secrets_dir / "token.pub")
    app.state.rates = Rates(stack.requests_per_minute)
    app.state.searches = Rates(min(SEARCHES_PER_MINUTE, stack.requests_per_minute))
    app.state.clock = clock = Clock(stack.clock_file)
    app.state.calendar = Notices(stack.calendar_folder).calendar
    app.state.clock_offset = lambda: clock.offset() if stack.may_move_time else None
    app.state.imports = settings
    app.state.leads = own_leads_of(settings.leads_file)
    app.state.opening = asyncio.Semaphore(OPEN_AT_ONCE)
    app.state.cipher = FieldCipher(RingFile(stack.secrets_dir / "field.keys"))
    app.state.exports = EXPORTS
    app.state.shelf = Shelf(stack.exports("roster"), app.state.cipher)
    serve(app, (*api.ROUTERS, case_events.router, upkeep.router))
    return app

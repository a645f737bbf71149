"""Wiring of monitoring's HTTP process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.monitoring.api import ROUTERS
from services.monitoring.models import Surroundings
from services.monitoring.settings import MonitoringSettings
from shared import telemetry
from shared.auth import Tokens
from shared.clock import Clock
from shared.db import connect
from shared.http import service_app
from shared.law.notices import load_calendar
from shared.settings import StackSettings
from shared.temporal import connect as connect_temporal


def create_app() -> FastAPI:
    """The application uvicorn serves."""
    stack, own = StackSettings(), MonitoringSettings()
    telemetry.set_up("monitoring", stack.otlp)
    clock = Clock(stack.clock_file)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        payload_key = bytes.fromhex(stack.secret("payload.key"))
        app.state.temporal = await connect_temporal(stack.temporal, stack.temporal_namespace, payload_key, lazy=True)
        async with connect(own.database_url, "monitoring") as database:
            app.state.database = database
            app.state.ready = {"database": lambda: database.pool.fetchval("SELECT 1")}
            yield

    app = service_app("monitoring", lifespan)
    app.state.tokens = Tokens(stack.secret("token.pub"))
    app.state.clock = clock
    app.state.surroundings = Surroundings(load_calendar(stack.calendar_files), lambda: clock.offset() if stack.may_move_time else None)
    for router in ROUTERS:
        app.include_router(router)
    return app

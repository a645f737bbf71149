"""Wiring of the portal's one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.portal import api
from services.portal.api import ends
from services.portal.api.words import route_names
from services.portal.models import Away, Demanded, Forged, NoRight, Refused, SessionEnded
from services.portal.queries import services, templates
from services.portal.queries.assets import Assets
from services.portal.queries.sessions import Sessions
from services.portal.settings import AssetSettings, PortalSettings
from shared import security_log, telemetry
from shared.clock import Clock
from shared.guard import Guarded, Limited, Rates
from shared.http import BODY_LIMIT, add_health, hung_up, serve, settled
from shared.traces import TracedRequests

HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    b" connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"cache-control": b"no-store",
}
HTTPS = {b"strict-transport-security": b"max-age=31536000"}
PUBLIC_REQUESTS = 60
"""What one address may ask in a minute without signing in, of what services work for."""
_OURS: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create_app() -> FastAPI:
    """The application; settings come from the environment."""
    settings, sides = PortalSettings(), AssetSettings()
    telemetry.set_up("portal", settings.otlp)
    security_log.set_up("portal", *settings.security_log)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services.connected(settings.services) as found, httpx.AsyncClient(timeout=10, trust_env=False) as to_zipkin:
            app.state.services, app.state.to_zipkin = found, to_zipkin
            app.state.sessions = Sessions(found)
            yield

    app = FastAPI(
        title="portal",
        lifespan=settled(lifespan),
        telemetry=_OURS,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.clock = Clock(settings.clock_file)
    app.state.secure = settings.secure
    app.state.demo = settings.environment != "production"
    app.state.cookie = "__Host-bianban" if settings.secure else "bianban"
    app.state.assets = Assets(sides.assets)
    app.state.templates = templates.environment(app.state.assets, office=settings.issuer, demo_mark=settings.mark)
    app.state.rates = Rates(PUBLIC_REQUESTS)
    app.state.zipkin_url, app.state.provider, app.state.kafka = sides.zipkin_url, sides.provider, sides.kafka
    app.add_middleware(Limited, max_body_size=BODY_LIMIT)
    app.add_middleware(ends.OwnRequests)
    app.add_middleware(ends.Timed)
    app.add_middleware(ends.SessionGoesOn)
    app.add_middleware(TracedRequests, names=route_names())
    app.state.headers = HEADERS | (HTTPS if settings.secure else {})
    app.add_middleware(Guarded, headers=app.state.headers)
    for kind, answer in _ENDS.items():
        app.exception_handler(kind)(answer)
    add_health(app)
    serve(app, api.ROUTERS)
    return app


_ENDS = {
    SessionEnded: ends.session_ended,
    Demanded: ends.demanded,
    NoRight: ends.no_right,
    Forged: ends.forged,
    Refused: ends.refused,
    Away: ends.away,
    HTTPException: ends.no_such_page,
    RequestValidationError: ends.no_such_page,
    ClientDisconnect: hung_up,
    Exception: ends.failed,
}

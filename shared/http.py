"""The HTTP door's frame: refusals become RFC 9457 problem documents, and every service answers `/live` and `/ready`."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import structlog
from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig

from shared.auth import NotSignedIn
from shared.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from shared.telemetry import TracedRequests

BODY_LIMIT = 20 * 1024 * 1024
_STATUS: dict[type[DomainError], int] = {NotFound: 404, Conflict: 409, Forbidden: 403}
_log = structlog.get_logger()
_OURS: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}  # TracedRequests traces; FastAPI would log what was typed

IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=8, max_length=200, description="A repeat with the same key gives the same answer.")
]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Ready = Callable[[], Awaitable[None]]


def service_app(title: str, lifespan: Lifespan) -> FastAPI:
    """A FastAPI application with the house's error answers. `app.state.ready` may hold checks that `/ready` awaits."""
    app = FastAPI(title=title, version="1", lifespan=lifespan, max_body_size=BODY_LIMIT, telemetry=_OURS)
    app.exception_handler(DomainError)(_refused)
    app.exception_handler(NotSignedIn)(_not_signed_in)
    app.exception_handler(Unavailable)(_unavailable)
    app.exception_handler(RequestValidationError)(_malformed)
    app.exception_handler(Exception)(_failed)
    app.add_middleware(TracedRequests, service=title)
    app.add_api_route("/live", _live, tags=["health"])
    app.add_api_route("/ready", _ready, tags=["health"])
    return app


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: object) -> JSONResponse:
    """A problem document; `type` carries the code that clients match."""
    body = {"type": f"urn:bianban:problem:{code}", "title": code, "status": status, "detail": detail} | more
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _refused(_: Request, error: DomainError) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
    return problem(status, error.code, str(error), facts=error.facts)


async def _not_signed_in(_: Request, __: Exception) -> Response:
    return problem(401, "not_signed_in", "登录已失效或未登录。请重新登录；已填写的内容不会丢失。", {"WWW-Authenticate": "Bearer"})


async def _unavailable(_: Request, __: Exception) -> Response:
    return problem(503, "unavailable", "系统的一个部件暂时不可用，本次请求未生效。请稍后用同一请求编号重试。", {"Retry-After": "5"})


async def _malformed(_: Request, error: RequestValidationError) -> Response:
    fields = [{"field": ".".join(str(part) for part in item["loc"][1:]), "reason": item["msg"]} for item in error.errors()]
    return problem(422, "malformed", "提交的内容格式不正确，请按提示修改后重新提交。", fields=fields)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("request failed", route=getattr(request.scope.get("route"), "path", "—"), error=type(error).__name__, exc_info=error)
    return problem(500, "internal_error", "系统内部错误，本次请求未生效。请稍后重试；如仍失败，请将追踪编号告知运维人员。")


async def _live() -> dict[str, str]:
    return {"status": "live"}


async def _ready(request: Request) -> Response:
    checks: dict[str, Ready] = getattr(request.app.state, "ready", {})
    failed: list[str] = []
    for name, check in checks.items():
        try:
            await check()
        except Exception as error:  # noqa: BLE001  whatever is wrong with a neighbour, the answer is its name
            _log.warning("not ready", part=name, error=type(error).__name__)
            failed.append(name)
    return JSONResponse({"status": "waiting" if failed else "ready", "waiting_for": failed}, 503 if failed else 200)

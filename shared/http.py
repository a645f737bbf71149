"""The HTTP door's frame: refusals become RFC 9457 problem documents, and every service answers `/live` and `/ready`."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import NotSignedIn
from shared.db import PASSING
from shared.declared import tell_permissions
from shared.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable, Unproved
from shared.events import CATALOGUE, asyncapi
from shared.glossary import reason_of
from shared.guard import HEADERS, Guarded, Limited, Rates, TooMany
from shared.metrics import TURNED_AWAY
from shared.problems import title_of
from shared.process import leave_no_core
from shared.route_words import NO_WORDS, Words, tell_words
from shared.traces import TracedRequests

BODY_LIMIT = 20 * 1024 * 1024
READY_WITHIN = 3.0
_STATUS: dict[type[DomainError], int] = {NotFound: 404, Conflict: 409, Forbidden: 403, Unproved: 401}
_WRITTEN = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u0000|\0|\\u[dD][89a-fA-F]|\xed[\xa0-\xbf])")
"""What a body holds of backslashes, pairs of surrogates, and (the group) of what cannot be kept: NUL, and a surrogate without its other half, as JSON
writes them or raw, which Python's reader lets pass.
"""
_LONGEST = len(rb"\ud83d\ude00")
_WHO = {"WWW-Authenticate": "Bearer"}
_UNREAD = {
    404: ("no_such_route", "没有这个地址。请核对后再试。"),
    405: ("method_not_allowed", "这个地址不接受这种请求方式。请核对后再试。"),
    408: ("too_slow", "提交的内容没有在规定时间内传完，本次请求未生效。请检查网络后重新提交。"),
    413: ("too_large", f"提交的内容过大：一般不超过 {BODY_LIMIT // 2**20} MB，导入的文件不超过 60 MB。请拆分后重新提交。"),
}
_log = structlog.get_logger()
_OURS: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}  # TracedRequests traces; FastAPI would log what was typed

_REFUSALS = (400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 503)


class Problem(BaseModel):
    """Every answer that is no success (RFC 9457). `code` is what clients match, `detail` says what to do next."""

    type: str
    title: str
    code: str
    status: int
    detail: str
    facts: dict[str, str] | None = None
    fields: list[dict[str, str]] | None = None
    trace_id: str | None = None


class Readiness(BaseModel):
    """Whether the process can work, and which parts it waits for."""

    status: str
    waiting_for: list[str]


IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=8, max_length=200, description="A repeat with the same key gives the same answer.")
]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Ready = Callable[[], Awaitable[None]]


def service_app(title: str, lifespan: Lifespan, words: Words = NO_WORDS) -> FastAPI:
    """A FastAPI application with the house's error answers. `app.state.ready` may hold checks that `/ready` awaits; `words`: what its routes are called."""
    app = FastAPI(
        title=title,
        version="1",
        lifespan=settled(lifespan),
        telemetry=_OURS,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    app.exception_handler(DomainError)(_refused)
    app.exception_handler(NotSignedIn)(_not_signed_in)
    for passing in (Unavailable, *PASSING):
        app.exception_handler(passing)(_unavailable)
    app.exception_handler(RequestValidationError)(_malformed)
    app.exception_handler(ValidationError)(_out_of_range)
    app.exception_handler(NotPlainText)(_not_plain_text)
    app.exception_handler(HTTPException)(_no_such_route)
    app.exception_handler(ClientDisconnect)(hung_up)
    app.exception_handler(Exception)(_failed)
    app.exception_handler(TooMany)(_too_many)
    app.add_middleware(PlainText)
    app.add_middleware(Limited, max_body_size=BODY_LIMIT)
    app.add_middleware(TracedRequests, names=words.of_all_routes())
    app.add_middleware(Guarded)
    app.state.rates = Rates(0)
    add_health(app)
    app.add_route("/asyncapi.json", _asyncapi, include_in_schema=False)  # the events, as /openapi.json is the routes
    app.openapi = _described(app, app.openapi, words)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def serve(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Take the routers' routes as they are, whole since they were declared. (`include_router` makes each anew for every application, and looks for the
    one that is asked twice with every request: a tenth of its time.)
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def add_health(app: FastAPI) -> None:
    """`/live`, and `/ready` by the checks of `app.state.ready`."""
    app.add_api_route("/live", _live, tags=["health"])
    app.add_api_route("/ready", _ready, response_model=Readiness, responses={503: {"model": Readiness}}, tags=["health"])


def files(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """For the description of a route whose answer is a file or a stream, of one of these kinds (`responses`)."""
    return {200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in media_types}}}


def saved_as(name: str) -> dict[str, str]:
    """The header of an answer that a browser saves under this name and never shows."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}


def shown_as(name: str) -> dict[str, str]:
    """The header of an answer that a browser may show, and saves under this name."""
    return {"Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}"}


def _tell_refusals(described: dict[str, Any]) -> None:
    """Each route may answer with the same document; FastAPI describes another one for what is malformed."""
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for each in ("HTTPValidationError", "ValidationError"):
        schemas.pop(each, None)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in _REFUSALS}
    for operation in (each for operations in described["paths"].values() for each in operations.values()):
        operation["responses"].pop("422", None)
        operation["responses"] = refusals | operation["responses"]


def _described(app: FastAPI, describe: Callable[[], dict[str, Any]], words: Words) -> Callable[[], dict[str, Any]]:
    """The description of the routes, with the document that all their refusals are, and each one's name and permission."""

    def described() -> dict[str, Any]:
        found = describe()
        _tell_refusals(found)
        tell_permissions(app, found)
        tell_words(found, words)
        return found

    return described


def settled(lifespan: Lifespan) -> Lifespan:
    """The life of a process whose parts stay: the garbage collector need not walk them again with every few requests (a tenth of their time)."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        leave_no_core()
        async with lifespan(app):
            gc.collect()
            gc.freeze()
            yield

    return alive


class NotPlainText(HTTPException):
    """A NUL or half a character in the request: PostgreSQL keeps none, so nothing that follows could be recorded."""

    def __init__(self) -> None:
        super().__init__(422)


class PlainText:
    """ASGI middleware: no NUL and no half of a character goes further than here. A file is judged by whoever reads it, and only after he knows who
    brings it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises NotPlainText where a body that holds one is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif "\0" in scope["path"] or b"\0" in scope["query_string"] or b"%00" in scope["query_string"]:
            await _not_plain()(scope, receive, send)
        else:
            await self._app(scope, receive if _is_file(scope) else _plain(receive), send)


def _is_file(scope: Scope) -> bool:
    """By the first of its kinds, which is the one that it is read by."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return bool(kind.lower().startswith(b"multipart/form-data"))


def _plain(receive: Receive) -> Receive:
    """What is written as up to twelve characters may come in parts."""
    left = b""

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left = _looked_through(left + message.get("body", b""), whole=not message.get("more_body", False))
        return message

    return received


def _looked_through(said: bytes, *, whole: bool) -> bytes:
    """What of it has to be looked at with what comes next. Raises NotPlainText."""
    until, at = len(said) + 1 - (0 if whole else _LONGEST), 0
    for found in _WRITTEN.finditer(said):
        if found.start() >= until:
            break
        if found[1]:
            raise NotPlainText
        at = found.end()
    return said[max(at, until, 0) :]


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: object) -> JSONResponse:
    """A problem document: `code` is what clients match, `title` names the problem, `detail` says what to do next."""
    body = {"type": f"urn:bianban:problem:{code}", "title": title_of(code), "code": code, "status": status, "detail": detail} | more
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _refused(request: Request, error: DomainError) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
    if status == 401:
        _count(request, error.code)
    return problem(status, error.code, str(error), _WHO if status == 401 else None, facts=error.facts)


async def _not_signed_in(request: Request, _: Exception) -> Response:
    _count(request, Unproved.code)
    return problem(401, Unproved.code, Unproved.sentence, _WHO)


def _count(request: Request, code: str) -> None:
    """Who tries passwords, codes or tokens shows by how many were turned away where; from where, the security log says."""
    TURNED_AWAY.add(1, {"error.type": code, "http.route": getattr(request.scope.get("route"), "path", "unknown")})


async def _unavailable(_: Request, __: Exception) -> Response:
    return problem(503, "unavailable", "系统的一个部件暂时不可用，本次请求未生效。请稍后用同一请求编号重试。", {"Retry-After": "5"})


async def _too_many(request: Request, error: TooMany) -> Response:
    _count(request, error.code)
    return problem(429, error.code, str(error), {"Retry-After": str(error.facts["wait"])}, facts=error.facts)


async def _malformed(_: Request, error: RequestValidationError) -> Response:
    return _not_as_asked([(item["loc"][1:], item) for item in error.errors()])


async def _out_of_range(_: Request, error: ValidationError) -> Response:
    """A body that has the right form, but not the values that the command takes."""
    return _not_as_asked([(item["loc"], item) for item in error.errors(include_input=False)])


def _not_as_asked(found: Sequence[tuple[Sequence[int | str], Mapping[str, Any]]]) -> Response:
    fields = [
        {"field": ".".join(str(part) for part in where) or "请求内容", "reason": reason_of(item["type"], item.get("ctx", {}))}
        for where, item in found
    ]
    return problem(422, "malformed", "提交的内容格式不正确，请按提示修改后重新提交。", fields=fields)


async def _not_plain_text(_: Request, __: Exception) -> Response:
    return _not_plain()


def _not_plain() -> Response:
    return problem(422, "not_plain_text", "提交的内容含有无法保存的控制字符，请删去后重新提交。")


async def _no_such_route(_: Request, error: HTTPException) -> Response:
    code, sentence = _UNREAD.get(error.status_code, ("not_readable", "请求无法处理。请核对内容后重新提交。"))
    return problem(error.status_code, code, sentence, dict(error.headers or {}))


async def hung_up(_: Request, __: Exception) -> Response:
    """The caller went away in the middle of what he sent: nobody reads the answer, and nothing of ours failed (499, as proxies call it)."""
    return Response(status_code=499)


async def _failed(request: Request, error: Exception) -> Response:
    """The last resort, outside of everything else: it tells the trace and gives the header set itself, and uvicorn closes its connection."""
    trace_id = request.scope.get("trace_id", "")
    route = getattr(request.scope.get("route"), "path", "—")
    _log.error("request failed", route=route, error=type(error).__name__, trace_id=trace_id, exc_info=error)
    detail = "系统内部错误，本次请求未生效。请稍后重试；如仍失败，请将追踪编号告知运维人员。"
    headers = {name.decode(): value.decode() for name, value in HEADERS.items()} | {"x-trace-id": trace_id, "Connection": "close"}
    return problem(500, "internal_error", detail, headers, trace_id=trace_id)


async def _asyncapi(_: Request) -> Response:
    return JSONResponse(asyncapi.document(tuple(CATALOGUE.types().values()), "1"))


async def _live() -> dict[str, str]:
    return {"status": "live"}


async def _ready(request: Request) -> Response:
    """Side by side: one part that is silent keeps nobody waiting for the others."""
    checks: dict[str, Ready] = getattr(request.app.state, "ready", {})
    found = await asyncio.gather(*(_passes(name, check) for name, check in checks.items()))
    failed = [name for name, passed in zip(checks, found, strict=True) if not passed]
    return JSONResponse({"status": "waiting" if failed else "ready", "waiting_for": failed}, 503 if failed else 200)


async def _passes(name: str, check: Ready) -> bool:
    try:
        async with asyncio.timeout(READY_WITHIN):
            await check()
    except Exception as error:  # noqa: BLE001  whatever is wrong with a neighbour, the answer is its name
        _log.warning("not ready", part=name, error=type(error).__name__)
        return False
    return True

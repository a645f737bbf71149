"""How a request ends that cannot be answered with its page: each says what happened, what was kept, and what to do next."""

import time
from urllib.parse import quote

import structlog
from fastapi import Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.portal.api.door import WRITER, Opened, Page, drawn, renewed
from services.portal.api.incoming import Incoming, incoming_of
from services.portal.models import Away, Demanded, Problem, Refused
from services.portal.queries.waits import counted as waits_of_request
from services.portal.rules.paths import is_own_request, own
from shared.glossary import SERVICE_NAMES

SECRETS = {"password", "new_password", "again", "code", "secret", "uri"}
ANEW_EVERY = "10"
"""Seconds."""
UNKEPT = {"csrf", "next", *SECRETS}
_KEPT = "自动保存过的表单，已填的文字仍在草稿中，返回该页即恢复，附件须重新选择。"
_UNREAD = {
    408: ("没有传完", f"提交的内容没有在规定时间内传完，未生效。{_KEPT}请检查网络后重新提交。"),
    413: (
        "提交的内容过大",
        f"提交的内容过大，未生效。一般不超过 20 MB，导入的文件不超过 60 MB。请减少或压缩附件、拆分文件后重新提交。{_KEPT}",
    ),
}
_log = structlog.get_logger()


class OwnRequests:
    """ASGI middleware: what changes something must come from one of our own pages; the browser says so itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """403 for the others, before anything is read."""
        if scope["type"] == "http":
            given = Headers(scope=scope)
            if not is_own_request(scope["method"], given.get("host", ""), given.get("origin"), given.get("sec-fetch-site")):
                answer = PlainTextResponse("这个请求不是从本系统的页面发出的，未被接受。请从系统页面重新操作。", 403)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Timed:
    """ASGI middleware: what a page cost itself and how long it waited for the services, in milliseconds (`Server-Timing`)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Told with the head of the answer."""
        began, waits = time.perf_counter(), waits_of_request()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                all_of_it, services = 1000 * (time.perf_counter() - began), 1000 * waits.seconds
                timing = f"page;dur={all_of_it - services:.1f}, services;dur={services:.1f}"
                message["headers"] = [*message.get("headers", []), (b"server-timing", timing.encode())]
            await send(message)

        await self._app(scope, receive, told)


class SessionGoesOn:
    """ASGI middleware: a session that has a new key goes on under it, whatever is answered first: a page, a file, events, a refusal."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The cookie with the head of the answer, unless the answer itself says what becomes of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        scope.setdefault("state", {})

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                own = f"{request.app.state.cookie}=".encode()
                said = any(name == b"set-cookie" and value.startswith(own) for name, value in headers)
                message["headers"] = headers if said else headers + renewed(request)
            await send(message)

        await self._app(scope, receive, told)


async def session_ended(request: Request, _: Exception) -> Response:
    """Sign in and go on: a page is opened again, a form is sent again with all that was typed."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("hx-request") == "true":
        shown = own(request.headers.get("hx-current-url", "").partition(request.headers.get("host", "//"))[2])
        return Response(status_code=401, headers={"HX-Redirect": f"/sign-in?next={quote(shown)}"})
    if request.method == "GET" or here == "/sign-out":
        here = "/" if here == "/sign-out" else here
        return RedirectResponse("/sign-in" if here == "/" else f"/sign-in?next={quote(here)}", 303)
    page: Page | None = getattr(request.state, "page", None)
    kept = kept_of(page.form if page else (await incoming_of(request)).fields)
    return drawn(request, "session_ended.html", 401, next=request.url.path, kept=kept, name="", error=None, needs_code=False)


def kept_of(form: FormData) -> list[tuple[str, str]]:
    """What was typed, without secrets. A file cannot be kept: the page says so."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name not in UNKEPT]


async def demanded(_: Request, error: Exception) -> Response:
    """A one-time password is changed first, a second factor set up."""
    return RedirectResponse(error.path if isinstance(error, Demanded) else "/", 303)


async def no_right(request: Request, _: Exception) -> Response:
    """The page exists, but not for his roles."""
    return _state(request, "no_right.html", 403)


async def forged(request: Request, _: Exception) -> Response:
    """A form without the session's mark: it was made in another session, or elsewhere."""
    form, viewer = await _sent(request), request.state.page.viewer
    said = "这个页面是在另一次登录中打开的，本次提交未生效。"
    problem = Problem(status=403, code="forged", title="页面已过期", detail=f"{said}请返回后刷新页面再提交。")
    if _goes_on(request, form) and form.get(WRITER) == viewer.name:
        problem = problem.model_copy(update={"detail": f"{said}填写的内容都在，确认后继续提交。"})
        return _resumed(request, form, viewer.csrf, problem)
    return _state(request, "problem.html", 403, problem=problem)


async def refused(request: Request, error: Exception) -> Response:
    """A refusal that the page itself has no place for; of a list that is narrowed where it stands, in its place."""
    problem = error.problem if isinstance(error, Refused) else None
    if problem and request.method == "GET" and "hx-request" in request.headers:
        return _state(request, "problem_list.html", problem.status, problem=problem)
    template = {403: "no_right.html", 404: "not_found.html"}.get(problem.status if problem else 0, "problem.html")
    return _state(request, template, problem.status if problem else 409, problem=problem)


async def away(request: Request, error: Exception) -> Response:
    """A service does not answer; what was sent goes on under its own key, so that it is done once."""
    part = SERVICE_NAMES.get(error.service, error.service) if isinstance(error, Away) else ""
    form = await _sent(request)
    goes_on = _goes_on(request, form)
    detail = f"“{part}”暂时没有应答。{_next_step(request, goes_on=goes_on)}"
    problem = Problem(status=503, code="unavailable", title="系统的一个部件暂时不可用", detail=detail)
    answer = _resumed(request, form, str(form["csrf"]), problem) if goes_on else _state(request, "problem.html", 503, problem=problem)
    answer.headers["Retry-After"] = "5"
    if _is_looked_at(request):
        answer.headers["Refresh"] = ANEW_EVERY  # nobody stands at the wall to press a key
    return answer


def _is_looked_at(request: Request) -> bool:
    """A whole page, which the browser may ask for again by itself."""
    return request.method == "GET" and "hx-request" not in request.headers


def _next_step(request: Request, *, goes_on: bool) -> str:
    if goes_on:
        return "填写的内容都在。刚才的操作如已办成，继续提交不会重复办理。请稍后继续提交。"
    is_open = request.method == "POST" and getattr(request.state, "opened", None)
    if is_open:
        return "刚才的操作可能已经办成，请稍后先核对，再决定是否重新办理。"
    return f"本页每 {ANEW_EVERY} 秒自动重试，恢复后即打开。" if _is_looked_at(request) else "请稍后再试。"


async def _sent(request: Request) -> FormData:
    """What was typed, read now where the request ended before; nothing of a page that is open to everybody."""
    page: Page | None = getattr(request.state, "page", None)
    opened: Opened | None = getattr(request.state, "opened", None)
    if request.method != "POST" or page or not opened:
        return page.form if page else FormData()
    return await opened.form_of(request)


def _goes_on(request: Request, form: FormData) -> bool:
    """Whether the form may be sent once more as it is: a page's own, under its key, without secrets."""
    is_whole = request.headers.get("hx-request") != "true" and {"csrf", "request_key"} <= form.keys()
    return is_whole and isinstance(form["csrf"], str) and form.keys().isdisjoint(SECRETS)


def _resumed(request: Request, form: FormData, csrf: str, problem: Problem) -> Response:
    incoming: Incoming | None = getattr(request.state, "incoming", None)
    files = bool(incoming and incoming.file_name) or any(isinstance(each, UploadFile) and each.filename for each in form.values())
    page: Page | None = getattr(request.state, "page", None)
    shown = {"target": request.url.path, "kept": kept_of(form), "csrf": csrf, "files": files, "viewer": page.viewer if page else None}
    return drawn(request, "resume.html", problem.status, problem=problem, **shown)


async def no_such_page(request: Request, error: Exception) -> Response:
    """No route, a wrong method, an unreadable form. The address of a form that was refused, opened anew, leads to the page it belongs to."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405 and request.method == "GET":
        return RedirectResponse(_above(request), 303)
    if status == 404:
        return _state(request, "not_found.html", 404, problem=None)
    title, detail = _UNREAD.get(status, ("请求无法处理", "请求无法处理，未生效。请返回后核对内容再试。"))
    problem = Problem(status=status, code="not_readable", title=title, detail=detail)
    return _state(request, "problem.html", status, problem=problem)


def _above(request: Request) -> str:
    """The nearest address above that a page answers."""
    path = request.url.path
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        asked = {**request.scope, "path": path}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.router.routes):
            break
    return path


async def failed(request: Request, error: Exception) -> Response:
    """The last resort."""
    trace_id = request.scope.get("trace_id", "")
    route = getattr(request.scope.get("route"), "path", "—")
    _log.error("page failed", route=route, error=type(error).__name__, trace_id=trace_id, exc_info=error)
    detail = "系统内部错误，页面未能显示。请稍后再试；如仍失败，请将追踪编号告知运维人员。"
    problem = Problem(status=500, code="internal_error", title="系统内部错误", detail=detail, trace_id=trace_id)
    answer = _state(request, "problem.html", 500, problem=problem)
    # it is made outside of what gives all others their headers, and uvicorn closes its connection
    for header, value in [*request.app.state.headers.items(), *renewed(request), (b"connection", b"close")]:
        answer.headers[header.decode()] = value.decode()
    return answer


def _state(request: Request, template: str, status: int, problem: Problem | None = None) -> Response:
    page: Page | None = getattr(request.state, "page", None)
    viewer = page.viewer if page else None
    return drawn(request, template, status, viewer=viewer, problem=problem)

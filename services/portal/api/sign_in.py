"""登录、退出: identity judges, the browser holds the session key in a cookie; what was typed in a session that ended goes on in the new one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from services.portal.api.door import WRITER, Opened, Page, cookie_of, drawn, forget_cookie, keep_cookie, session_of
from services.portal.models import Away, Problem, Refused, SessionEnded
from services.portal.queries.sessions import Sessions
from services.portal.rules.paths import own
from shared.auth import ADMINISTRATORS
from shared.glossary import SERVICE_NAMES

router = APIRouter()
KEPT = "kept."


@router.get("/sign-in", response_class=Response)
async def sign_in(request: Request, next: str = "/", left: bool = False) -> Response:  # noqa: A002  named as in the address
    """The form; who is signed in already goes on."""
    if await _is_signed_in(request):
        return RedirectResponse(own(next), 303)
    return sign_in_page(request, next=own(next), left=left)


def sign_in_page(request: Request, status: int = 200, **shown: Any) -> Response:
    """The form, as it is for who has just come."""
    shown = {"next": "/", "kept": (), "name": "", "error": None, "needs_code": False, "left": False} | shown
    state = request.app.state
    template = "session_ended.html" if shown["kept"] else "sign_in.html"
    return drawn(request, template, status, demo=state.demo, provider=state.provider, **shown)


@router.post("/sign-in", response_class=Response)
async def begin(request: Request) -> Response:
    """Sign in. A refusal is told on the same page, nothing typed is lost but the password."""
    form = await request.form(max_fields=600)
    name, password, code = (str(form.get(field, "")) for field in ("name", "password", "code"))
    try:
        found = await _sessions(request).begin(name.strip(), password, code.strip(), caller_of(request))
    except Refused as refusal:
        return _asked_again(request, form, refusal.problem)
    except Away as error:
        return _asked_later(request, form, error)
    return await _go_on(request, form, found)


def _asked_again(request: Request, form: FormData, problem: Problem) -> Response:
    needs_code = problem.code == "code_needed" or bool(form.get("code"))
    shown = {"next": own(str(form.get("next", "/"))), "kept": kept_in(form), "name": form.get("name", ""), "needs_code": needs_code}
    return sign_in_page(request, problem.status, error=problem, **shown)


def _asked_later(request: Request, form: FormData, error: Away) -> Response:
    """Identity is away: what was kept stays in the form. Raises Away where nothing was."""
    if not kept_in(form):
        raise error
    detail = f"“{SERVICE_NAMES[error.service]}”暂时没有应答，没有登录。填写的内容仍然保留，请稍后再登录。"
    answer = _asked_again(request, form, Problem(status=503, code="unavailable", title="系统的一个部件暂时不可用", detail=detail))
    answer.headers["Retry-After"] = "5"
    return answer


@router.get("/demo-users", response_class=Response)
async def demo_users(request: Request, next: str = "/", q: str = "") -> Response:  # noqa: A002
    """The invented people, by what they do. Only identity knows whether this is the demo."""
    users = await _sessions(request).demo_users()
    found = [user for user in users if q.strip() in f"{user.get('name', '')} {user.get('real_name', '')} {' '.join(user.get('units', ()))}"]
    administrators = [user for user in found if not ADMINISTRATORS.isdisjoint(user["roles"])]
    office = [user for user in found if not user["units"] and user not in administrators]
    units = sorted((user for user in found if user["units"]), key=lambda user: user["units"])
    groups = (("编办与全市", office), ("单位", units), ("三类管理员", administrators))
    return drawn(request, "demo_users.html", users=found, groups=groups, next=own(next), q=q)


@router.post("/demo-users", response_class=Response)
async def begin_demo(request: Request) -> Response:
    """Sign in as one of them."""
    form = await request.form()
    try:
        found = await _sessions(request).begin_demo(str(form.get("name", "")), caller_of(request))
    except Away as error:
        return _asked_later(request, form, error)
    return await _go_on(request, form, found)


@router.post("/sign-out", response_class=Response)
async def end(page: Annotated[Page, Depends(Opened("account.read"))]) -> Response:
    """Sign out; the session ends at identity, not only here."""
    _sessions(page.request).forget(cookie_of(page.request))
    await _sessions(page.request).end(page.session.session)
    answer = RedirectResponse("/sign-in?left=true", 303)
    forget_cookie(page.request, answer)
    return answer


async def _go_on(request: Request, form: FormData, found: dict[str, Any]) -> Response:
    try:
        answer = await _gone_on(request, form, found["session"])
    except Away as error:
        answer = _asked_later(request, form, error)
    keep_cookie(request, answer, found["session"])
    return answer


async def _gone_on(request: Request, form: FormData, key: str) -> Response:
    target, kept = own(str(form.get("next", "/"))), kept_in(form)
    session = await _sessions(request).of(key) if kept else None
    if session and dict(kept).get(WRITER, session.name) != session.name:
        return RedirectResponse("/", 303)  # nobody sends what another wrote
    if session:
        return drawn(request, "resume.html", target=target, kept=kept, csrf=session.csrf, problem=None, files=False)
    return RedirectResponse(target, 303)


def kept_in(form: FormData) -> tuple[tuple[str, str], ...]:
    """What was typed before the session ended."""
    return tuple((name.removeprefix(KEPT), str(value)) for name, value in form.multi_items() if name.startswith(KEPT))


async def _is_signed_in(request: Request) -> bool:
    try:
        await session_of(request)
    except SessionEnded:
        return False
    return True


def _sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


def caller_of(request: Request) -> dict[str, str]:
    """Where the browser is and what it calls itself, for identity alone: it counts attempts by address, and ends the session that was before."""
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")[:200].encode("ascii", "replace").decode()
    told = {"X-Forwarded-For": address, "User-Agent": agent, "X-Session": cookie_of(request)}
    return {name: value for name, value in told.items() if value}

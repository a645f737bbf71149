"""本人: sessions, password, second factor. Identity judges each of them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page, cookie_of, keep_cookie
from services.portal.models import Problem, Refused

router = APIRouter()
Self = Annotated[Page, Depends(Opened("account.read"))]


@router.get("/me", response_class=Response)
async def me(page: Self) -> Response:
    """Who I am here, and where I am signed in."""
    return await _me(page)


@router.post("/me/proxies/{proxy_id}/end", response_class=Response)
async def end_proxy(page: Self, proxy_id: UUID) -> Response:
    """I am back: whoever stood in for me does so no longer."""
    try:
        await page.send("identity", f"/me/proxies/{proxy_id}/end", {"reason": page.text("reason")})
    except Refused as refusal:
        return await _me(page, refusal.problem)
    return page.back("/me", done="proxy_ended")


async def _me(page: Page, error: Problem | None = None) -> Response:
    found = await page.get_each({name: ("identity", f"/me/{name}") for name in ("sessions", "proxies")})
    return page.show("me.html", error.status if error else 200, error=error, **found)


@router.post("/me/sessions/{session_id}/end", response_class=Response)
async def end_session(page: Self, session_id: UUID) -> Response:
    """End one of my sessions."""
    await page.send("identity", f"/me/sessions/{session_id}", {}, method="DELETE")
    return page.back("/me", done="session_over")


@router.get("/me/password", response_class=Response)
async def password(page: Self) -> Response:
    """The form."""
    return page.show("password.html", error=None)


@router.post("/me/password", response_class=Response)
async def change_password(page: Self) -> Response:
    """Set it; every other session of the account ends, and this one has another key."""
    if page.form.get("new_password") != page.form.get("again"):
        return page.show("password.html", 422, error=_unlike())
    body: dict[str, Any] = {"password": str(page.form.get("password", "")), "new_password": str(page.form.get("new_password", ""))}
    body |= {"code": page.text("code")} if page.text("code") else {}
    try:
        changed = await page.send("identity", "/me/password", body)
    except Refused as refusal:
        return page.show("password.html", refusal.problem.status, error=refusal.problem)
    page.request.app.state.sessions.forget(cookie_of(page.request))
    answer = page.back("/", done="saved")
    if changed and changed["session"]:
        keep_cookie(page.request, answer, changed["session"])
    return answer


def _unlike() -> Problem:
    return Problem(status=422, code="unlike", title="两次输入不一致", detail="两次输入的新密码不一致，请重新输入。密码没有改变。")


@router.get("/me/code", response_class=Response)
async def code(page: Self) -> Response:
    """Where a second factor is set up."""
    return page.show("code.html", factor=None, error=None)


@router.post("/me/code", response_class=Response)
async def set_up_code(page: Self) -> Response:
    """Begin, with the password once more: the secret is told once. Or confirm it by its first code."""
    if not page.text("code"):
        return await _begin_code(page)
    try:
        await page.send("identity", "/me/totp/confirmation", {"code": page.text("code")})
    except Refused as refusal:
        factor = {"secret": page.text("secret"), "uri": page.text("uri")}
        return page.show("code.html", refusal.problem.status, factor=factor, error=refusal.problem)
    page.request.app.state.sessions.forget(cookie_of(page.request))
    return page.back("/", done="saved")


async def _begin_code(page: Page) -> Response:
    try:
        factor = await page.send("identity", "/me/totp", {"password": str(page.form.get("password", ""))})
    except Refused as refusal:
        return page.show("code.html", refusal.problem.status, factor=None, error=refusal.problem)
    return page.show("code.html", factor=factor, error=None)

"""Sign-in by the office's OpenID provider: the browser is sent there and comes back; identity judges what it brings. Only where one is set."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.portal.api.door import drawn, keep_cookie
from services.portal.api.sign_in import caller_of, sign_in_page
from services.portal.models import Problem, Refused
from services.portal.rules.paths import own

router = APIRouter(prefix="/sign-in/provider")
WITHIN = 600
"""Seconds in which somebody has to come back."""


@router.get("", response_class=Response)
async def leave(request: Request, next: str = "/") -> Response:  # noqa: A002  named as in the address
    """To the provider's page; what has to be remembered of it is kept by the browser, sealed by identity."""
    if not request.app.state.provider:
        return drawn(request, "not_found.html", 404, problem=None)
    begun = await request.app.state.sessions.leave(own(next), caller_of(request))
    answer = RedirectResponse(begun["url"], 303)
    secure = request.app.state.secure
    answer.set_cookie(_cookie(request), begun["kept"], WITHIN, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


@router.get("/return", response_class=Response)
async def come_back(request: Request, code: str = "", state: str = "") -> Response:
    """Back from the provider."""
    kept = request.cookies.get(_cookie(request), "")
    if not (code and state and kept):
        detail = "没有从统一身份认证完成登录。请重新登录，或改用登录名和密码。"
        return sign_in_page(request, 401, error=Problem(status=401, code="provider_refused", title="登录未完成", detail=detail))
    try:
        found = await request.app.state.sessions.come_back(code, state, kept, caller_of(request))
    except Refused as refusal:
        return sign_in_page(request, refusal.problem.status, error=refusal.problem)
    answer = RedirectResponse(own(found["return_to"]), 303)
    answer.delete_cookie(_cookie(request), path="/", secure=request.app.state.secure, httponly=True, samesite="lax")
    keep_cookie(request, answer, found["session"])
    return answer


def _cookie(request: Request) -> str:
    return f"{request.app.state.cookie}-away"

"""What every page stands on: who asks, the services with his rights, the form he sent, and how an answer is drawn."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from secrets import compare_digest
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from httpx import Timeout
from starlette.datastructures import FormData, UploadFile

from services.portal.api.incoming import Incoming, incoming_of, outgoing
from services.portal.models import Away, Demanded, Forged, NoRight, Refused, Session, SessionEnded
from services.portal.queries.services import Services
from shared.auth import PERMISSIONS
from shared.brought import plain_name
from shared.glossary import Role

MOST_FIELDS = 500
DEMANDS = {"/me/password", "/me/code"}
WRITER = "writer"
"""The field of every form that says whose it is."""
UPLOAD = Timeout(120.0, connect=3.0)
"""A service reads a file before it answers."""
_SAFE = {"GET", "HEAD"}
_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_SESSION_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")


def cookie_of(request: Request) -> str:
    """The session key the browser holds, or nothing; so too where what it holds can be none."""
    held = request.cookies.get(request.app.state.cookie, "")
    return held if _SESSION_KEY.match(held) else ""


def keep_cookie(request: Request, answer: Response, key: str) -> None:
    """Let the browser hold a session key until it is closed or the session ends."""
    answer.set_cookie(request.app.state.cookie, key, path="/", secure=request.app.state.secure, httponly=True, samesite="lax")


async def session_of(request: Request) -> Session:
    """Whose browser asks; a key that is new goes out with the answer (`SessionGoesOn`). Raises SessionEnded, Away."""
    session: Session = await request.app.state.sessions.of(cookie_of(request))
    request.state.session_key, request.state.who = session.session, session
    return session


def renewed(request: Request) -> list[tuple[bytes, bytes]]:
    """The header that lets the browser hold the session under its new key; none where it has it."""
    key, answer = getattr(request.state, "session_key", ""), Response()
    if key and key != cookie_of(request):
        keep_cookie(request, answer, key)
    return [each for each in answer.raw_headers if each[0] == b"set-cookie"]


def forget_cookie(request: Request, answer: Response) -> None:
    """The browser holds no session key any more."""
    answer.delete_cookie(request.app.state.cookie, path="/", secure=request.app.state.secure, httponly=True, samesite="lax")


def drawn(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page for whoever asks, signed in or not."""
    shown = {"viewer": None, "done": "", "path": request.url.path, "now": request.app.state.clock.now(), "new_key": _new_key} | shown
    return HTMLResponse(request.app.state.templates.get_template(template).render(shown), status)


def _new_key() -> str:
    return str(uuid4())


class Viewer:
    """Who looks: what the templates may ask of him."""

    def __init__(self, session: Session) -> None:
        self.name, self.real_name, self.csrf, self.draft_key = session.name, session.real_name, session.csrf, session.draft_key
        self.roles = tuple(Role(role) for role in session.roles if role in set(Role))
        self.acts_for, self.whole_county = session.acts_for, session.unit_ids is None
        self.unit_ids = tuple(session.unit_ids or ())

    def may(self, permission: str) -> bool:
        """Whether one of his roles carries the permission; the service asked decides all the same."""
        return not PERMISSIONS[permission].isdisjoint(self.roles)


class Page:
    """A request of somebody who is signed in and may open this page."""

    def __init__(self, request: Request, session: Session, form: FormData) -> None:
        self.request, self.session, self.form, self.viewer = request, session, form, Viewer(session)
        self._services: Services = request.app.state.services

    @property
    def headers(self) -> dict[str, str]:
        """What his calls carry: his token, and where his browser is, as records of sign-ins and of who was turned away tell it."""
        return {"Authorization": f"Bearer {self.session.token}", "X-Forwarded-For": self.request.client.host if self.request.client else ""}

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in self.request.headers

    async def get(self, service: str, path: str, **query: Any) -> Any:
        """Read from a service. Raises Refused, SessionEnded, Away."""
        asked = {name: value for name, value in query.items() if value not in (None, "", ())}
        return (await self._services.ask("GET", service, path, self.headers, params=asked or None)).json()

    async def get_each(self, wanted: Mapping[str, tuple[str, str]], beyond: Any = None) -> dict[str, Any]:
        """Several reads at once for the cards of a page; one that cannot be had is None (`beyond`: what is not the caller's to see), and its card says so."""

        async def one(service: str, path: str) -> Any:
            try:
                return await self.get(service, path)
            except Refused as refusal:
                return beyond if refusal.problem.status in {403, 404} else None
            except Away:
                return None

        found = await asyncio.gather(*(one(*each) for each in wanted.values()))
        return dict(zip(wanted, found, strict=True))

    async def ready(self, service: str) -> dict[str, Any] | None:
        """Whether a service is ready; None where it does not answer."""
        return await self._services.ready(service)

    async def names_of(self, *logins: str | None) -> dict[str, str]:
        """What colleagues are called, by login name; whoever is not told keeps his login name."""
        asked = sorted({each for each in logins if each})
        with suppress(Refused, Away):
            return await self.get("identity", "/colleagues", name=asked) if asked else {}
        return {}

    async def send(self, service: str, path: str, body: dict[str, Any], method: str = "POST", part: str = "") -> Any:
        """Write, under the key that the form was made with: a form sent twice is one command. `part` tells several of one form apart."""
        answer = await self._services.ask(method, service, path, self.headers | self._key(part), json=body)
        return answer.json() if answer.content else None

    def _key(self, part: str = "") -> dict[str, str]:
        """A header holds less than a field does, which its sender may have changed."""
        return {"Idempotency-Key": quote(f"{self.form.get('request_key') or uuid4()}{part}", safe="/:")}

    async def send_file(self, service: str, path: str, **fields: str) -> Any:
        """Pass the file of this form on to a service as it comes, with these fields before it (`Receiving`). Raises as `send` does."""
        form = outgoing(self.request.state.incoming, fields)
        told = self.headers | self._key() | {"Content-Type": form.kind}
        return (await self._services.ask("POST", service, path, told, content=form.pieces(), timeout=UPLOAD)).json()

    async def bring(self, service: str, path: str, file: UploadFile, part: str) -> Any:
        """Pass on one of several files that came with what was typed. Raises as `send` does."""
        sent = {"file": (plain_name(file.filename or ""), await file.read())}
        return (await self._services.ask("POST", service, path, self.headers | self._key(part), files=sent, timeout=UPLOAD)).json()

    async def written(self, service: str, path: str, body: dict[str, Any]) -> bytes:
        """A file that a service writes of what was typed. Raises as `send` does."""
        answer = await self._services.ask("POST", service, path, self.headers, json=body)
        return answer.content

    def stream(self, service: str, path: str, **query: Any) -> Any:
        """A file or events of a service, piece by piece; events go on where the browser was, or its page (`since`)."""
        seen = self.request.headers.get("last-event-id") or self.request.query_params.get("since", "")
        return self._services.stream(service, path, self.headers | ({"Last-Event-ID": seen} if _NUMBER.match(seen) else {}), params=query)

    async def goes_on(self) -> bool:
        """Whether his session does. To ask moves its idle end no further."""
        try:
            found = await self.get("identity", "/me/sessions")
        except SessionEnded:
            return False
        except (Refused, Away):
            return True
        return any(each["current"] for each in found["items"])

    def trace_of(self, case: str) -> str:
        """Where a case is looked at step by step: 运维 for whoever may, the viewer of traces for the office."""
        if self.viewer.may("traces.read"):
            return f"/ops?q={quote(case, safe='')}"
        viewer = self.request.app.state.zipkin_url
        return f"{viewer}/zipkin/?annotationQuery={quote(f'case.id={case}', safe='')}" if viewer and self.viewer.whole_county else ""

    def text(self, name: str) -> str:
        """What was typed into a field."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """What was ticked in a group of boxes."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def show(self, template: str, status: int = 200, **shown: Any) -> Response:
        """Draw the page."""
        done = self.request.query_params.get("done", "")
        return drawn(self.request, template, status, viewer=self.viewer, done=done, **shown)

    def back(self, path: str, **query: str) -> Response:
        """What was sent is done: go on with a page of our own (303), so that going back sends nothing twice."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


class Opened:
    """The declaration of a page's route: the permission that opens it. It answers with the page's request; tests walk all routes."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def admits(self, page: Page) -> bool:
        """`account.read` is everybody's, also of those who have no role yet."""
        return self.permission == "account.read" or page.viewer.may(self.permission)

    async def form_of(self, request: Request) -> FormData:
        """What was typed."""
        return await request.form(max_fields=MOST_FIELDS)

    async def __call__(self, request: Request) -> Page:
        """Raises SessionEnded, Demanded, NoRight, and Forged for a form without the session's mark."""
        request.state.opened = self
        session = await session_of(request)
        form = FormData() if request.method in _SAFE else await self.form_of(request)
        page = Page(request, session, form)
        if request.method not in _SAFE and not _is_marked(request, form, session):
            request.state.page = page
            raise Forged
        if session.demand and request.url.path not in {*DEMANDS, "/sign-out"}:
            raise Demanded(session.demand)
        if not self.admits(page):
            raise NoRight
        request.state.page = page
        return page


class Receiving(Opened):
    """The declaration of a route that takes a file (named `file`, last in its form): what stands before it is read, the file passes through."""

    async def form_of(self, request: Request) -> FormData:
        """What was typed before the file."""
        found: Incoming = await incoming_of(request)
        request.state.incoming = found
        return found.fields


def _is_marked(request: Request, form: FormData, session: Session) -> bool:
    shown = request.headers.get("x-csrf") or form.get("csrf") or ""
    return isinstance(shown, str) and compare_digest(shown.encode(), session.csrf.encode())

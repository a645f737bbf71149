"""What a notice would say: by the same words and the same template as the one that is sealed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx

from services.approval import rules
from services.approval.models.facts import Notice, NoticeKind
from services.approval.models.refusals import ChainMissing, ChangeUnknown, DocumentNotDrawable, PersonUnknown, ReasonNotDrawable
from services.approval.queries.notices import TEMPLATES, RosterReader
from shared.clock import business_day
from shared.db import Connection
from shared.documents import MissingGlyphs, Renderer
from shared.errors import Unavailable
from shared.glossary import ApplicationType
from shared.unit_copies import UnitUnknown
from workflows.approval_messages import Content
from workflows.roster import Done


async def notice_kind(conn: Connection, application_type: ApplicationType) -> NoticeKind:
    """What the notice of a type is called and written by. Raises ChainMissing."""
    row = await conn.fetchrow("SELECT title, series, template FROM document_kinds WHERE code = $1", application_type)
    if row is None:
        raise ChainMissing(type=application_type)
    return NoticeKind(**row)


@dataclass(frozen=True)
class Desk:
    """Writes previews: with the roster's words, and a mark on each page that it is none of ours yet."""

    roster: RosterReader
    issuer: str
    made: Callable[[], Renderer]
    demo_seal: bool

    @cached_property
    def renderer(self) -> Renderer:
        """Fonts are read when the first preview is asked for."""
        return self.made()

    def ensure_reason_drawn(self, reason: str) -> None:
        """Before a revocation is decided: its reason can no longer be changed then. Blocking: call it from a thread. Raises ReasonNotDrawable."""
        try:
            self.renderer.ensure_drawable({"reason": reason})
        except MissingGlyphs as error:
            raise ReasonNotDrawable(characters=error.code_points) from error

    async def ensure_seen(self, content: Content, authorization: str) -> None:
        """With the rights of whoever asks; of a transfer, whoever was named for this unit is no stranger. Raises what an unknown unit, person or change
        is told by for what he does not see, Unavailable.
        """
        giver = f"/units/{content.unit_id}/found-persons/{content.person_id}?from_unit_id={content.from_unit_id}"
        is_named = content.from_unit_id and content.person_id and await self._seen(giver, authorization) is not None
        named = () if is_named else ((UnitUnknown, "units", content.from_unit_id), (PersonUnknown, "persons", content.person_id))
        for unknown, kind, each in named:
            if each and await self._seen(f"/{kind}/{each}", authorization) is None:
                raise unknown

    async def registrar(self, content: Content, authorization: str) -> str | None:
        """Who registered the change that the application carries; none where it carries none. Raises ChangeUnknown, Unavailable."""
        if content.change_id is None:
            return None
        change = await self._seen(f"/changes/{content.change_id}", authorization)
        if change is None:
            raise ChangeUnknown
        return str(change["registered_by"])

    async def _seen(self, path: str, authorization: str) -> dict[str, Any] | None:
        try:
            answer = await self.roster.client.get(path, headers={"Authorization": authorization})
        except httpx.TransportError as error:
            raise Unavailable("roster") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise Unavailable("roster")
        return dict(answer.json())

    async def preview(self, kind: NoticeKind, application_type: ApplicationType, content: Content, title: str, now: datetime) -> bytes:
        """The PDF, with the figures as they will stand after the effect. Raises Unavailable, DocumentNotDrawable."""
        today = business_day(now)
        notice = _unnumbered(kind, application_type, content, title, today.year)
        words = await self.roster.words(notice, Done(), today, self.issuer, demo_seal=self.demo_seal)
        words |= rules.after_effect(application_type, content.posts, words)
        if application_type is ApplicationType.ENTRY:
            words |= await self.roster.authorisation(content)
        try:
            return await asyncio.to_thread(self.renderer.pdf, TEMPLATES / kind.template, words, now)
        except MissingGlyphs as error:
            raise DocumentNotDrawable(characters=error.code_points) from error


def _unnumbered(kind: NoticeKind, application_type: ApplicationType, content: Content, title: str, year: int) -> Notice:
    return Notice(
        document_no=f"{kind.series}〔{year}〕　号",
        title=kind.title,
        template=kind.template,
        sha256=None,
        application_number=f"{rules.SERIES}〔{year}〕　号",
        type=application_type,
        application_title=title,
        revoked_no=None,
        reason="",
        **content.model_dump(exclude={"off_post_kind", "employment_form", "exception"}),
    )

"""What a notice would say: by the same words and the same template as the one that is sealed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import httpx

from services.approval import rules
from services.approval.models.facts import Notice, NoticeKind
from services.approval.models.refusals import ChainMissing, DocumentNotDrawable, ReasonNotDrawable
from services.approval.queries.notices import TEMPLATES, RosterReader
from shared.clock import business_day
from shared.db import Connection
from shared.documents import MissingGlyphs, Renderer
from shared.errors import NotFound, Unavailable
from shared.glossary import ApplicationType
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
        """With the rights of whoever asks; of a transfer, whoever was named for this unit is no stranger. Raises NotFound for what he does not see,
        Unavailable.
        """
        giver = f"/units/{content.unit_id}/found-persons/{content.person_id}?from_unit_id={content.from_unit_id}"
        is_named = content.from_unit_id and content.person_id and await self._is_seen(giver, authorization)
        paths = [f"/units/{content.unit_id}"]
        paths += [f"/units/{content.from_unit_id}"] if content.from_unit_id and not is_named else []
        paths += [f"/persons/{content.person_id}"] if content.person_id and not is_named else []
        paths += [f"/changes/{content.change_id}"] if content.change_id else []
        for path in paths:
            if not await self._is_seen(path, authorization):
                raise NotFound

    async def _is_seen(self, path: str, authorization: str) -> bool:
        try:
            answer = await self.roster.client.get(path, headers={"Authorization": authorization})
        except httpx.TransportError as error:
            raise Unavailable("roster") from error
        if answer.status_code != httpx.codes.OK and not answer.is_client_error:
            raise Unavailable("roster")
        return answer.status_code == httpx.codes.OK

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

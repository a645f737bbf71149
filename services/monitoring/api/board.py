"""The light board (亮灯): the matrix, and lights as they turn, live."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse

from services.monitoring.api.asked import After, Asked, Asking
from services.monitoring.api.turns import GLANCE
from services.monitoring.queries import board as queries
from services.monitoring.queries.board import LOOK_BACK, MOST_TURNED, Board, Chosen, Turned
from services.monitoring.queries.exports import EXPORTS
from shared.auth import LIFETIME, Permit, Who
from shared.glossary import Light
from shared.progress import EVENTS

router = APIRouter(tags=["lights"])
Reader = Annotated[Who, Depends(Permit("lights.read"))]
SIGN_OF_LIFE = 15.0


@router.get("/lights/matrix")
async def get_board(
    asked: Asking,
    who: Reader,
    color: Light | None = None,
    rule: str | None = None,
    unit: UUID | None = None,
    name: Annotated[str | None, Query(max_length=60)] = None,
    only: UUID | None = None,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Board:
    """Units with what each rule in force has open on them: of a colour, a rule, a subtree, with these words in the name, or of one unit only."""
    async with asked.database.reading() as conn:
        found = await queries.board(conn, who, Chosen(color, rule, unit, name, only), after, limit)
        await EXPORTS.ensure_known(conn, "lights", {"rule": rule}, found.items)
        return found


@router.get("/lights/changes", response_class=StreamingResponse, responses={200: {"content": {EVENTS: {}}}})
async def get_changes(
    asked: Asking, who: Reader, last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**63 - 1)] = None
) -> StreamingResponse:
    """Server-sent events `light`: each light of the caller's units as it turns, from now or from where he was.

    It ends after the life of a token, and he comes again with the rights he has then.
    """
    if last_event_id is None:
        async with asked.database.glancing() as conn:
            last_event_id = await queries.last_turn(conn)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_turns(asked, who, last_event_id), media_type=EVENTS, headers=headers)


async def _turns(asked: Asked, who: Who, seen: int) -> AsyncIterator[str]:
    yield ": here\n\n"
    told, silent, over = deque[int](range(seen - LOOK_BACK, seen + 1), LOOK_BACK * 10), 0.0, time.monotonic() + LIFETIME.total_seconds()
    known: tuple[int, int] | None = None
    while time.monotonic() < over:
        mark, turned = await asked.turns.mark(asked.database), list[Turned]()
        if mark != known:
            async with asked.database.glancing() as conn:
                turned = await queries.turned(conn, who, seen - LOOK_BACK, told)
        known = mark if len(turned) < MOST_TURNED else None
        for each in turned:
            seen = max(seen, each.number)
            told.append(each.number)
            yield f"id: {seen}\nevent: light\ndata: {each.model_dump_json()}\n\n"
        silent = 0.0 if turned else silent + GLANCE
        if silent >= SIGN_OF_LIFE:
            silent = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(GLANCE)

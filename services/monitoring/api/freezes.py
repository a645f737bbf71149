"""Freeze orders (冻结令): proposed by an officer or by an overdue case, decided by the director."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, model_validator

from services.monitoring.api.asked import Asked, Asking, Body, decide_case, evidence
from services.monitoring.commands.freezes import propose_freeze
from services.monitoring.models.issues import Page
from services.monitoring.models.requests import ProposeFreeze
from services.monitoring.queries import freezes as queries
from services.monitoring.queries.freezes import OrderPage, Wanted
from shared.auth import Permit, Who
from shared.glossary import FreezeScope
from shared.http import IdempotencyKey
from shared.pages import asked as asked_for
from shared.pages import described
from shared.temporal import update_id
from shared.unit_copies import unit_copy
from workflows.freeze_case import OVER, Decision, workflow_id
from workflows.journal import RECORD_AGAIN
from workflows.roster import FrozenPosts

MOST_POSTS = 100_000
router = APIRouter(prefix="/freeze-orders", tags=["freeze orders"])
Reader = Annotated[Who, Depends(Permit("lights.read"))]
Officer = Annotated[Who, Depends(Permit("issues.verify"))]
Director = Annotated[Who, Depends(Permit("freezes.decide"))]


class ProposalBody(Body):
    """冻结建议."""

    unit_id: UUID
    scopes: list[FreezeScope] = Field(default=[], max_length=len(FreezeScope))
    posts: list[FrozenPosts] = Field(default=[], max_length=50, description="Posts to withhold, where a number only is frozen.")
    issue_ids: list[UUID] = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _freezes_something(self) -> Self:
        if not self.scopes and not self.posts:
            raise ValueError("冻结范围和冻结名额至少填写一项")
        if len({(each.kind, each.funding) for each in self.posts}) < len(self.posts):
            raise ValueError("冻结名额中同一编制类型和经费形式只能填写一行")
        if any(each.posts > MOST_POSTS for each in self.posts):
            raise ValueError(f"冻结名额每行不能超过 {MOST_POSTS}")
        return self


class DecisionBody(Body):
    """决定."""

    approve: bool
    reason: str = Field(min_length=1, max_length=1000)


class ReleaseBody(DecisionBody):
    """解冻决定."""

    early: bool = Field(default=False, description="By decision of the commission, though linked issues are still open.")


@router.get("", openapi_extra=described(Wanted))
async def get_freeze_orders(asked: Asking, who: Reader, wanted: Annotated[Wanted, Depends(asked_for(Wanted))]) -> Page:
    """Orders in the caller's scope."""
    async with asked.database.reading() as conn:
        return await queries.freeze_orders(conn, who, wanted)


@router.get("/{order_id}")
async def get_freeze_order(asked: Asking, who: Reader, order_id: UUID) -> OrderPage:
    """One order with its journal."""
    async with asked.database.reading() as conn:
        return await queries.freeze_order(conn, who, order_id)


@router.post("")
async def post_freeze_order(asked: Asking, who: Officer, body: ProposalBody, idempotency_key: IdempotencyKey) -> OrderPage:
    """Propose a freeze for confirmed red issues of one unit."""
    async with asked.database.reading() as conn:
        await unit_copy(conn, body.unit_id, who)
    what = ProposeFreeze(
        unit_id=body.unit_id,
        scopes=tuple(body.scopes),
        posts=tuple(body.posts),
        issue_ids=tuple(body.issue_ids),
        clock_offset=asked.surroundings.clock_offset(),
    )
    order_id = await propose_freeze(asked.database, asked.by(who, idempotency_key, body), what)
    async with asked.database.reading() as conn:
        return await queries.freeze_order(conn, who, order_id)


async def _decided(asked: Asked, who: Who, order_id: UUID, update: str, decision: Decision) -> OrderPage:
    async with asked.database.reading() as conn:
        found = await queries.freeze_order(conn, who, order_id)
    case, over = workflow_id(order_id), found.state in OVER
    await decide_case(asked.temporal, case, update, decision, decision.evidence.update_id, over=over)
    async with asked.database.reading() as conn:
        return await queries.freeze_order(conn, who, order_id)


@router.post("/{order_id}/recording")
async def post_recording(asked: Asking, who: Officer, order_id: UUID, idempotency_key: IdempotencyKey) -> OrderPage:
    """The order stands still because a line could not be recorded, and the cause was mended: try the line again."""
    async with asked.database.reading() as conn:
        await queries.freeze_order(conn, who, order_id)
    await decide_case(asked.temporal, workflow_id(order_id), RECORD_AGAIN, None, update_id(who.name, idempotency_key), over=True)
    async with asked.database.reading() as conn:
        return await queries.freeze_order(conn, who, order_id)


@router.post("/{order_id}/decision")
async def post_decision(asked: Asking, who: Director, order_id: UUID, body: DecisionBody, idempotency_key: IdempotencyKey) -> OrderPage:
    """Sign the freeze, or decline it."""
    signed = evidence(who, "freezes.decide", idempotency_key, body)
    return await _decided(asked, who, order_id, "decide", Decision(evidence=signed, approve=body.approve))


@router.post("/{order_id}/release-decision")
async def post_release_decision(
    asked: Asking, who: Director, order_id: UUID, body: ReleaseBody, idempotency_key: IdempotencyKey
) -> OrderPage:
    """Sign the release, or decline it; by decision of the commission it is signed while issues are still open."""
    signed = evidence(who, "freezes.decide", idempotency_key, body)
    return await _decided(asked, who, order_id, "decide_release", Decision(evidence=signed, approve=body.approve, early=body.early))

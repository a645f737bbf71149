"""Door 3: Temporal. What workflows may ask of the roster. Expected refusals come back as values; keys are the business identity, so repeats are harmless."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.effects import take_effect
from services.roster.commands.freezes import freeze_unit, unfreeze_unit
from services.roster.commands.reservations import hold_reservation, lapse_reservations, recall_reservation
from services.roster.models.refusals import EffectiveInFuture, Frozen
from services.roster.models.requests import FreezeUnit, FrozenPosts, LapseReservations, RecallReservation, TakeEffect, UnfreezeUnit
from services.roster.queries import checks
from services.roster.queries.parameters import POST_USE_MONTHS, limit_at
from services.roster.queries.units import units_with_overdue_reservations
from services.roster.rules.posts import expiry
from shared.clock import Clock, business_day
from shared.db import By, Database
from shared.errors import DomainError
from shared.law.working_days import Calendar
from shared.temporal import NOT_RECORDABLE, refusals_are_final, unrecordable_is_final
from shared.unit_runs import TRIES, unit_by_unit
from workflows.roster import (
    CHECK_APPLICATION,
    CLAIM_POST,
    EXPIRE_RESERVATIONS,
    FREEZE_UNIT,
    GIVE_BACK,
    HOLD_RESERVATION,
    RECALL_RESERVATION,
    TAKE_EFFECT,
    UNFREEZE_UNIT,
    Check,
    Done,
    Effect,
    Evidence,
    FreezeRequest,
    GiveBack,
    PostRequest,
    Recall,
    Sweep,
    UnfreezeRequest,
    Verdict,
)

SYSTEM = "system"
_NOT_TAKEN = "编制数据库不接受其中的数据，未生效。请核对所填的数字和代码后重新提交；仍不成功的，请联系系统管理员查看日志。"


class RosterActivities:
    """Answers on the roster's task queue. The clock is the business clock; the calendar moves the end of a validity off rest days."""

    def __init__(self, database: Database, clock: Clock, calendar: Callable[[], Calendar]) -> None:
        self._database, self._clock, self._calendar = database, clock, calendar

    def all(self) -> Sequence[Callable[..., Any]]:
        """What the worker serves."""
        return (
            self.check_application,
            self.hold_reservation,
            self.claim_post,
            self.take_effect,
            self.give_back,
            self.recall_reservation,
            self.freeze_unit,
            self.unfreeze_unit,
            self.expire_reservations,
        )

    @activity.defn(name=CHECK_APPLICATION)
    async def check_application(self, request: PostRequest) -> list[Check]:
        """The checks as advice. Where nothing can be judged, the refusal is the one check that failed: what is held or claimed later refuses too."""
        try:
            async with self._database.reading() as conn:
                return await checks.check_application(conn, request, business_day(self._clock.now()))
        except DomainError as refusal:
            return [Check(code=refusal.code, passed=False, sentence=str(refusal))]

    @activity.defn(name=HOLD_RESERVATION)
    async def hold_reservation(self, request: PostRequest) -> Verdict:
        """Hold a post of an authorised use while an entry application is decided, or a registered change while its own is."""
        return await _verdict(hold_reservation(self._database, self._for_application(request, "hold"), request))

    @activity.defn(name=CLAIM_POST)
    async def claim_post(self, request: PostRequest) -> Verdict:
        """Claim what the final decision grants, under all checks."""
        return await _verdict(claim_post(self._database, self._for_application(request, "claim"), request))

    @activity.defn(name=TAKE_EFFECT)
    async def take_effect(self, effect: Effect) -> Done:
        """Carry out what was claimed. A refusal here is final (its code is the error's type), but for a day that our clock has not reached yet."""
        by = self._by(f"effect:{effect.request.application_id}:{effect.request.revision}", effect.evidence, effect.authorisation_no)
        expires_on = expiry(effect.authorised_on, await self._valid_months(effect), self._calendar())
        with refusals_are_final(), _the_day_will_come():
            return await take_effect(self._database, _of_application(by, effect.request), TakeEffect(**dict(effect), expires_on=expires_on))

    @activity.defn(name=GIVE_BACK)
    async def give_back(self, request: GiveBack) -> None:
        """Give back all that the application holds up to this revision."""
        by = self._by(f"give_back:{request.application_id}:{request.revision}", request.evidence)
        with refusals_are_final():
            await give_back(self._database, replace(by, case_id=f"approval:{request.application_id}"), request)

    @activity.defn(name=RECALL_RESERVATION)
    async def recall_reservation(self, request: Recall) -> None:
        """Take back what nobody has used of an authorised use whose document was revoked."""
        by = self._by(f"recall:{request.application_id}", request.evidence, request.document_no)
        with refusals_are_final():
            what = RecallReservation(application_id=request.application_id)
            await recall_reservation(self._database, replace(by, case_id=f"approval:{request.application_id}"), what)

    @activity.defn(name=FREEZE_UNIT)
    async def freeze_unit(self, request: FreezeRequest) -> Verdict:
        """Put a signed order into force."""
        by = self._by(f"freeze:{request.order_id}", request.evidence, request.document_no)
        posts = tuple(FrozenPosts(**dict(each)) for each in request.posts)
        what = FreezeUnit(order_id=request.order_id, unit_id=request.unit_id, scopes=request.scopes, posts=posts)
        return await _verdict(freeze_unit(self._database, replace(by, case_id=f"freeze:{request.order_id}"), what))

    @activity.defn(name=UNFREEZE_UNIT)
    async def unfreeze_unit(self, request: UnfreezeRequest) -> Verdict:
        """End an order on its signed release."""
        by = self._by(f"unfreeze:{request.order_id}", request.evidence, request.document_no)
        what = UnfreezeUnit(order_id=request.order_id, unit_id=request.unit_id)
        return await _verdict(unfreeze_unit(self._database, replace(by, case_id=f"freeze:{request.order_id}"), what))

    @activity.defn(name=EXPIRE_RESERVATIONS)
    async def expire_reservations(self, sweep: Sweep) -> int:
        """The daily sweep: set free what nobody used or holds in time; how many posts."""
        async with self._database.reading() as conn:
            unit_ids = await units_with_overdue_reservations(conn, sweep.on)

        async def lapse(unit_id: UUID) -> int:
            by = By(actor=SYSTEM, as_of=self._clock.now(), key=f"expire:{sweep.on}:{unit_id}", reason="用编核准到期")
            return await lapse_reservations(self._database, by, LapseReservations(unit_id=unit_id, on=sweep.on))

        return await unit_by_unit(unit_ids, lapse, give_up_at=TRIES)

    async def _valid_months(self, effect: Effect) -> int:
        if effect.submitted_at is None:
            return effect.valid_months
        async with self._database.reading() as conn:
            return await limit_at(conn, POST_USE_MONTHS, effect.submitted_at)

    def _for_application(self, request: PostRequest, step: str) -> By:
        by = By(actor=SYSTEM, as_of=self._clock.now(), key=f"{step}:{request.application_id}:{request.revision}")
        return _of_application(by, request)

    def _by(self, key: str, evidence: Evidence, document_no: str | None = None) -> By:
        return By(
            actor=evidence.actor,
            as_of=self._clock.now(),
            key=key,
            reason=evidence.reason,
            document_no=evidence.document_no or document_no,
        )


def _of_application(by: By, request: PostRequest) -> By:
    return replace(by, case_id=f"approval:{request.application_id}")


@contextmanager
def _the_day_will_come() -> Iterator[None]:
    """The workflow calls on the day, by its own clock: where this host's lags behind, the next try finds the day there."""
    try:
        yield
    except EffectiveInFuture as early:
        raise ApplicationError(early.code, early.facts, type=early.code) from None


async def _verdict(command: Awaitable[None]) -> Verdict:
    """A refusal as a value: its code, its sentence, and the orders where a freeze stands in the way. Also what the tables do not take."""
    try:
        with unrecordable_is_final():
            await command
    except ApplicationError as final:
        return Verdict(accepted=False, code=final.type or NOT_RECORDABLE, sentence=_NOT_TAKEN)
    except DomainError as refusal:
        orders = refusal.facts["orders"].split(",") if isinstance(refusal, Frozen) else []
        return Verdict(accepted=False, code=refusal.code, sentence=str(refusal), frozen_by=tuple(UUID(order) for order in orders))
    return Verdict(accepted=True)

"""May this post be taken? Judged per (unit, kind, funding), never netted (中国共产党机构编制工作条例)."""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.facts import Nature, PersonRecord, Placement, PostFacts, Reservation
from services.roster.models.refusals import (
    REQUESTED,
    ClaimRefusedByTombstone,
    ContractEndsBefore,
    ContractUnknown,
    CorrectionKindsApart,
    ExitBeforeArrival,
    Frozen,
    KindNotAllowed,
    KindsApart,
    NotAuthorised,
    NotOverQuota,
    NotOverSeats,
    OffPostOfEstablishment,
    OffPostUntold,
    PastRetirement,
    PersonNotHere,
    PersonOnRoster,
    PostsNotOne,
    QuotaBelowUse,
    QuotaExhausted,
    QuotaTermOver,
    ReasonOfAnotherMatter,
    RequestIncomplete,
    ReservationExpired,
    ReservationHeld,
    ReservationRecalled,
    ReservationUnknown,
    ReservationUsedUp,
    SameUnit,
    SeatsBelowUse,
    SeatsExhausted,
    SeatsUnapproved,
)
from services.roster.models.requests import PostDetails
from services.roster.rules.persons import retirement_due
from shared.events.roster import EstablishmentState, SeatsState
from shared.glossary import ApplicationType, FreezeScope
from shared.law.retirement import YearMonth
from shared.law.working_days import Calendar
from workflows.roster import FreezeException, PostRequest

STOPPED_BY = {
    ApplicationType.POST_USE: FreezeScope.POST_USE,
    ApplicationType.ENTRY: FreezeScope.ENTRY,
    ApplicationType.TRANSFER: FreezeScope.ENTRY,
}
"""Which freeze stops which application. An exit is never stopped."""
_REALLOCATED = "划转按编委文件在机构改革中办理。"
OF_OTHER_MATTERS = {
    "entry_reasons": {
        "first_load": "期初建账随导入登记。",
        "over_quota": "超编进人请办理“如实记录超编”。",
        "reallocation": _REALLOCATED,
    },
    "exit_reasons": {"transfer": "市内调动请办理人员调动，出编、入编一并登记。", "reallocation": _REALLOCATED},
}
"""Reasons that nobody gives in an 入编 or 出编, and what is done instead, by the table they stand in. Entered as 调动 is also who comes from beyond the
county; whoever leaves one of its units for another does not leave (domain §14, trap 9).
"""


def ensure_of_this_matter(table: str, reason: str) -> None:
    """Refuse a reason that another matter stands for. Raises ReasonOfAnotherMatter."""
    if instead := OF_OTHER_MATTERS[table].get(reason):
        raise ReasonOfAnotherMatter(instead=instead)


def ensure_available(row: EstablishmentState, posts: int) -> None:
    """可用编 ≥ n: quota − headcount − reserved − frozen of this row alone."""
    if row.available < posts:
        raise QuotaExhausted(quota=row.quota, available=row.available, posts=posts)


def ensure_seat_vacant(seats: SeatsState) -> None:
    """空缺 ≥ 1 of this level alone (领导职数使用; domain §2.3)."""
    if seats.approved == 0:
        raise SeatsUnapproved(level=seats.level_label or seats.level)
    if seats.used >= seats.approved:
        raise SeatsExhausted(level=seats.level_label or seats.level, approved=seats.approved, used=seats.used)


def ensure_seats_above_use(before: int, seats: SeatsState, recorded_cause: str | None) -> None:
    """A number lowered below the leaders in post needs the office's recorded cause and document; one that rises asks for nothing."""
    if seats.approved < min(before, seats.used) and recorded_cause is None:
        raise SeatsBelowUse(level=seats.level_label or seats.level, approved=seats.approved, used=seats.used)


def ensure_no_seat_vacant(seats: SeatsState) -> None:
    """Somebody is recorded beyond 领导职数 only where no seat is left; otherwise he takes that one."""
    if seats.used < seats.approved:
        raise NotOverSeats(level=seats.level_label or seats.level, approved=seats.approved, used=seats.used)


def ensure_in_term(row: EstablishmentState, day: date) -> None:
    """Posts on loan (周转编制) are not taken after their term."""
    if row.use_until is not None and row.use_until < day:
        raise QuotaTermOver(until=row.use_until)


def ensure_over_quota(row: EstablishmentState) -> None:
    """An over-quota fact is recorded only where no post is left; otherwise it is an entry."""
    if row.available >= 1:
        raise NotOverQuota(available=row.available)


def ensure_above_use(before: int, row: EstablishmentState, recorded_cause: str | None) -> None:
    """A quota lowered below headcount + reserved needs the office's recorded cause and document; one that does not fall asks for nothing."""
    used = row.headcount + row.reserved
    if row.quota < min(before, used) and recorded_cause is None:
        raise QuotaBelowUse(quota=row.quota, used=used)


def ensure_not_frozen(orders: Sequence[UUID]) -> None:
    """No freeze in force on the unit or above it for this scope; the facts name the orders."""
    if orders:
        raise Frozen(orders=",".join(str(order) for order in orders))


def unexcepted(request: PostRequest, orders: Sequence[UUID]) -> list[UUID]:
    """The orders that its exception does not name: each of them stops it. What passes is the order alone, no other rule (domain §4.4)."""
    return [order for order in orders if request.exception is None or order not in request.exception.orders]


def excepting(request: PostRequest, orders: Sequence[UUID]) -> PostRequest:
    """A draft's exception names no order yet: submitted now, it would be one to those in force."""
    if request.exception is None or request.exception.orders:
        return request
    return request.model_copy(update={"exception": request.exception.model_copy(update={"orders": tuple(orders)})})


def passed_freeze(request: PostRequest, orders: Sequence[UUID]) -> FreezeException | None:
    """The exception by which a claim passes the orders in force; none where none is."""
    return request.exception.model_copy(update={"orders": tuple(orders)}) if request.exception and orders else None


def ensure_may_grow(orders: Sequence[UUID], wanted: int, approved: int, used: int) -> None:
    """A freeze stops more posts or seats than are approved, but not the approval of a surplus: the rectification itself goes on (domain §4.4)."""
    if wanted > max(approved, used):
        ensure_not_frozen(orders)


def ensure_kind_allowed(facts: PostFacts) -> None:
    """The kind matches the unit's category (486号令: no mixing of kinds)."""
    if not facts.kind_allowed:
        raise KindNotAllowed(**facts.words(category=facts.category, kind=facts.establishment.kind))


def ensure_not_buried(request_revision: int, facts: PostFacts) -> None:
    """What was given back stays given back: a claim that wakes up late is refused."""
    ensure_revision_not_buried(request_revision, facts.buried_revision)


def ensure_revision_not_buried(revision: int, buried: int) -> None:
    """The same of any claim: `buried` is the last revision that gave back what it had."""
    if revision <= buried:
        raise ClaimRefusedByTombstone


def ensure_on_no_roster(post_ends: Iterable[date | None], started_on: date) -> None:
    """Nobody is on two units at once: no placement from the day of entry on. `post_ends`: when each placement of the person ends."""
    if any(end is None or end > started_on for end in post_ends):
        raise PersonOnRoster


def ensure_before_retirement(person: PersonRecord | None, population: str, started_on: date) -> None:
    """Nobody comes onto a post after his statutory month; as 编外 retired people may be employed."""
    if person is None or population == "off_establishment":
        return
    month = retirement_due(person).month
    if month is not None and str(YearMonth(started_on.year, started_on.month)) > month:
        raise PastRetirement(month=month)


def ensure_usable(reservation: Reservation | None, today: date) -> Reservation:
    """The authorised use exists, is valid on this day, and has a post nobody holds."""
    if reservation is None:
        raise ReservationUnknown
    ensure_not_recalled(reservation)
    if reservation.unspent == 0:
        raise ReservationUsedUp
    if reservation.expires_on < today:
        raise ReservationExpired(expires_on=reservation.expires_on)
    if reservation.unspent <= reservation.held:
        raise ReservationHeld
    return reservation


def ensure_not_recalled(reservation: Reservation) -> None:
    """The paper stands, also under a post that is held."""
    if reservation.recalled_on is not None:
        raise ReservationRecalled


def ensure_authorised_first(request: PostRequest, facts: PostFacts, today: date) -> Reservation:
    """先核编后进人: an entry stands on an authorised use, and begins on its day or later. A held post is not judged for expiry again."""
    if request.reservation_id is None:
        raise NotAuthorised
    reservation = facts.reservation if facts.holds_one else ensure_usable(facts.reservation, today)
    if reservation is None:
        raise ReservationUnknown
    ensure_not_recalled(reservation)
    if (request.effective_on or today) < reservation.authorised_on:
        raise NotAuthorised
    return reservation


def expiry(authorised_on: date, months: int, calendar: Calendar) -> date:
    """The last day of a validity in months: the same day number (or the month's last), on a rest day the next working day (民法典 Art. 201-203)."""
    return calendar.rest_day_moved(months_after(authorised_on, months))


def months_after(day: date, months: int) -> date:
    """The day of the same number so many months later, or that month's last (民法典 Art. 202)."""
    end = YearMonth(day.year, day.month).plus(months)
    return date(end.year, end.month, min(day.day, monthrange(end.year, end.month)[1]))


def ensure_off_post_told(post: PostDetails | PostRequest | Placement, population: str) -> None:
    """编外 staff: the kind of work decides what they may do at all, the form of employment who employs them. Nobody else has either."""
    told = (post.off_post_kind, post.employment_form)
    if population == "off_establishment" and not all(told):
        raise OffPostUntold
    if population != "off_establishment" and any(told):
        raise OffPostOfEstablishment


def ensure_renewable(before: Mapping[str, Any], after: Mapping[str, Any], since: date) -> None:
    """From a day on a contract follows another one (续签); it says how somebody is employed. The end of one that was told wrong is corrected."""
    if before["employment_form"] is None:
        raise ContractUnknown
    if after["employment_form"] is None:
        raise OffPostUntold
    ensure_contract_lasts(after["contract_until"], since)


def ensure_contract_lasts(until: date | None, since: date) -> None:
    """No contract is over before it begins."""
    if until is not None and until < since:
        raise ContractEndsBefore(until=until, since=since)


def ensure_here(placements: Sequence[Placement], unit_id: UUID | None) -> Placement:
    """The person is on this unit's establishment now."""
    for placement in placements:
        if placement.unit_id == unit_id and placement.ended_on is None:
            return placement
    raise PersonNotHere


def ensure_at_giver(placements: Sequence[Placement], request: PostRequest) -> Placement:
    """The person is on the establishment of the unit that lets him go, which is another than the one that takes him."""
    if request.from_unit_id == request.unit_id:
        raise SameUnit
    return ensure_here(placements, request.from_unit_id)


def ensure_left_later(request: PostRequest, facts: PostFacts, today: date) -> None:
    """Somebody leaves his post after the day on which he came to it, by exit or transfer."""
    is_transfer = request.application_type is ApplicationType.TRANSFER
    here = ensure_at_giver(facts.on_rosters, request) if is_transfer else ensure_here(facts.on_rosters, request.unit_id)
    if (request.effective_on or today) <= here.started_on:
        raise ExitBeforeArrival


def ensure_kinds_alike(here: Placement, kind: str, natures: Mapping[str, Nature]) -> None:
    """A transfer stays within 编制, 员额 or 编外; into another leads an entry alone, on an authorised use (先核编后进人)."""
    if natures.get(here.kind) != natures.get(kind):
        raise KindsApart(held=_called(here.kind, natures), wanted=_called(kind, natures))


def ensure_corrected_alike(held: str, wanted: str, natures: Mapping[str, Nature]) -> None:
    """So does a correction of the kind: it puts a record right and admits nobody."""
    if natures.get(held) != natures.get(wanted):
        raise CorrectionKindsApart(held=_called(held, natures), wanted=_called(wanted, natures))


def _called(kind: str, natures: Mapping[str, Nature]) -> str:
    nature = natures.get(kind)
    return nature.label if nature else kind


def ensure_complete(request: PostRequest) -> None:
    """The form names what its type needs; one person per case. Of which posts an entry is, its authorised use says."""
    row = ("kind", "funding")
    needed = {
        ApplicationType.POST_USE: row,
        ApplicationType.ENTRY: ("person_id", "reason_code", *(() if request.kind else ("reservation_id", *row))),
        ApplicationType.EXIT: ("person_id", "reason_code"),
        ApplicationType.TRANSFER: ("person_id", "from_unit_id", *row),
        ApplicationType.CHANGE: ("person_id", "change_id"),
    }[request.application_type]
    for field in needed:
        if not getattr(request, field):
            raise RequestIncomplete(field=REQUESTED[field])
    if request.application_type is not ApplicationType.POST_USE and request.posts != 1:
        raise PostsNotOne


def ensure_may_claim(request: PostRequest, facts: PostFacts, today: date) -> None:
    """The law of a final decision, in its own transaction. An exit takes no post: only the person is judged."""
    ensure_complete(request)
    ensure_not_buried(request.revision, facts)
    if request.application_type is ApplicationType.EXIT:
        ensure_left_later(request, facts, today)
        return
    ensure_not_frozen(unexcepted(request, facts.frozen_by))
    ensure_kind_allowed(facts)
    ensure_in_term(facts.establishment, request.effective_on or today)
    if request.application_type is ApplicationType.ENTRY:
        ensure_on_no_roster(facts.post_ends, request.effective_on or today)
        ensure_authorised_first(request, facts, today)
        ensure_off_post_told(request, facts.population_of(request.kind))
    else:
        ensure_available(facts.establishment, request.posts)
    if request.application_type is ApplicationType.TRANSFER:
        ensure_kinds_alike(ensure_at_giver(facts.on_rosters, request), request.kind, facts.natures)
        ensure_left_later(request, facts, today)
    if request.application_type is not ApplicationType.POST_USE:
        ensure_before_retirement(facts.person, facts.population_of(request.kind), request.effective_on or today)

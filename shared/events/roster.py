"""Events published by the roster service.

Evolution: add optional fields freely; anything else is a new `.v2` class beside the old one.
`tests/contracts` holds the JSON schema of each class and fails on any other change.
"""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.events.envelope import Event
from shared.glossary import ExceptionGround, FreezeScope, OverQuotaCause


class EstablishmentState(BaseModel):
    """One (unit, kind, funding) after the change; posts. Never netted with another row (domain §1.6)."""

    model_config = ConfigDict(frozen=True)

    kind: str
    funding: str
    counted: bool = Field(True, description="Whether the kind counts as 编制 (报备员额, 编外, 国企员额 do not).")
    apart: bool = Field(False, description="单列: 编制 that is not added to the unit's number (周转编制, 单列编制).")
    quota: int = Field(ge=0)
    headcount: int = Field(ge=0, description="People in post (实有人数).")
    reserved: int = Field(ge=0, description="Authorised and not yet filled (已核未用).")
    frozen: int = Field(0, ge=0)
    kind_label: str = Field("", description="What the kind is called on the day; empty: not told, show the code.")
    funding_label: str = Field("", description="What the funding is called on the day; empty: not told, show the code.")
    use_until: date | None = Field(
        None, description="The last day on which posts of the row may be taken (周转编制); none: without a term."
    )

    @property
    def available(self) -> int:
        """可用编; may be negative."""
        return self.quota - self.headcount - self.reserved - self.frozen

    def with_more(self, people: int) -> "EstablishmentState":
        """The row with so many people more in it."""
        return self.model_copy(update={"headcount": self.headcount + people})

    @property
    def overstaffing(self) -> int:
        """超编."""
        return max(0, self.headcount - self.quota)


class RetirementFact(BaseModel):
    """What a rule may know of a person's retirement: a month, never a birth date."""

    model_config = ConfigDict(frozen=True)

    category: Literal["M60", "F55", "F50", "special", "unknown"]
    month: str | None = Field(None, pattern=r"^\d{4}-\d{2}$", description="Statutory month; none for special or unknown.")


class RosterEvent(Event):
    """What happened to one unit, with the establishment rows it changed, as they stand after it."""

    topic: ClassVar[str] = "roster.events"

    establishments: tuple[EstablishmentState, ...] = ()
    document_no: str | None = None
    baseline: bool = Field(False, description="Part of a unit's first load: rules run dry on it.")
    reform_id: UUID | None = Field(None, description="All events of one reform carry it; their rows stand as the whole reform left them.")


class UnitState(RosterEvent):
    """What a unit is after the change."""

    parent_id: UUID | None
    path: tuple[UUID, ...] = Field(description="Root first, the unit itself last.")
    name: str
    code: str
    category: str
    short_name: str | None = None
    nature: str | None = None
    public_welfare: str | None = None
    unit_funding: str | None = None
    sector: str | None = None
    rank: str | None = None
    system: str | None = None
    category_label: str = Field("", description="What the category is called on the day; empty: not told, show the code.")
    withheld: bool = Field(False, description="不计入公开汇总: the office sees it, marked; lists and totals of all others leave it out.")


class UnitRegistered(UnitState):
    """A unit came into being, or into this register."""

    type: Literal["roster.unit_registered.v1"] = "roster.unit_registered.v1"
    valid_from: date


class UnitChanged(UnitState):
    """A unit was renamed, moved in the tree, or changed otherwise; what it stands below may have moved."""

    type: Literal["roster.unit_changed.v1"] = "roster.unit_changed.v1"
    effective_on: date
    changed: tuple[str, ...] = Field((), description="The attributes that are not as before.")


class UnitClosed(RosterEvent):
    """A unit is no more (撤并); its posts and people went to its successors before."""

    type: Literal["roster.unit_closed.v1"] = "roster.unit_closed.v1"
    closed_on: date = Field(description="The first day on which it is no more.")
    successors: tuple[UUID, ...] = ()


class QuotaChanged(RosterEvent):
    """编制数 was set, raised, cut or moved."""

    type: Literal["roster.quota_changed.v1"] = "roster.quota_changed.v1"
    effective_on: date
    over_quota_cause: OverQuotaCause | None = Field(
        None, description="Why the number may lie below what is in use, as the office recorded it; none: nothing was said."
    )


class SeatsState(BaseModel):
    """领导职数 of one level after the change."""

    model_config = ConfigDict(frozen=True)

    level: str
    approved: int = Field(ge=0)
    used: int = Field(ge=0)
    level_label: str = Field("", description="What the level is called; empty: not told, show the code.")


class SeatsChanged(RosterEvent):
    """领导职数 at one level was set, or taken; a first load tells of all levels of one document together."""

    type: Literal["roster.seats_changed.v1"] = "roster.seats_changed.v1"
    level: str
    approved: int = Field(ge=0)
    used: int = Field(ge=0)
    effective_on: date | None = Field(None, description="From which day on, where one was told: by an approval, an appointment, a relief.")
    others: tuple[SeatsState, ...] = Field((), description="The further levels that the same document set.")
    level_label: str = Field("", description="What the level is called; empty: not told, show the code.")
    over_seats_cause: OverQuotaCause | None = Field(
        None, description="Why the number was lowered below the leaders in post, as the office recorded it; none: nothing was said."
    )

    @property
    def levels(self) -> tuple[SeatsState, ...]:
        """Every level it tells of."""
        return (SeatsState(level=self.level, approved=self.approved, used=self.used, level_label=self.level_label), *self.others)


class ReservationEvent(RosterEvent):
    """Something happened to authorised posts."""

    reservation_id: UUID
    application_id: UUID
    posts: int = Field(ge=1)


class PostsReserved(ReservationEvent):
    """用编 was authorised (核准): posts are reserved until `expires_on`."""

    type: Literal["roster.posts_reserved.v1"] = "roster.posts_reserved.v1"
    authorisation_no: str
    authorised_on: date
    expires_on: date


class ReservationHeld(ReservationEvent):
    """An entry application holds the reservation; it does not expire meanwhile."""

    type: Literal["roster.reservation_held.v1"] = "roster.reservation_held.v1"
    held_by: UUID


class HoldReleased(ReservationEvent):
    """The entry application gave the reservation back."""

    type: Literal["roster.hold_released.v1"] = "roster.hold_released.v1"


class ReservationExpired(ReservationEvent):
    """The validity ran out, or the document was revoked; the posts are free again."""

    type: Literal["roster.reservation_expired.v1"] = "roster.reservation_expired.v1"


class ReservationMoved(ReservationEvent):
    """The unit was merged: its authorised use goes on at the successor. Told to both."""

    type: Literal["roster.reservation_moved.v1"] = "roster.reservation_moved.v1"
    from_unit_id: UUID
    to_unit_id: UUID


class FreezePassed(BaseModel):
    """On what a claim passed freeze orders in force."""

    model_config = ConfigDict(frozen=True)

    orders: tuple[UUID, ...]
    ground: ExceptionGround
    document_no: str


class PostClaimed(RosterEvent):
    """A final decision claimed a post under all checks; placing uses the claim and is not judged again."""

    type: Literal["roster.post_claimed.v1"] = "roster.post_claimed.v1"
    application_id: UUID
    revision: int = Field(ge=1)
    reservation_id: UUID | None = None
    exception: FreezePassed | None = Field(None, description="冻结例外; none where no freeze stood in its way.")


class ClaimReleased(RosterEvent):
    """Everything an application revision held was given back; its tombstone refuses later claims."""

    type: Literal["roster.claim_released.v1"] = "roster.claim_released.v1"
    application_id: UUID
    revision: int = Field(ge=1)


class PersonRegistered(RosterEvent):
    """A person became known. The key is the person: no unit is concerned yet (`unit_id` is the registering unit)."""

    aggregate_type: ClassVar[str] = "person"

    type: Literal["roster.person_registered.v1"] = "roster.person_registered.v1"
    person_id: UUID

    @property
    def aggregate_id(self) -> UUID:
        """The person."""
        return self.person_id

    @property
    def key(self) -> str:
        """The person."""
        return str(self.person_id)


class PlacementEvent(RosterEvent):
    """Something happened to a person's post on the unit."""

    person_id: UUID
    person_version: int = Field(ge=1)
    kind: str
    funding: str
    transfer_id: UUID | None = Field(None, description="Both halves of one transfer carry it.")


class PersonPlaced(PlacementEvent):
    """A person took up a post on the unit's establishment (入编)."""

    type: Literal["roster.person_placed.v1"] = "roster.person_placed.v1"
    started_on: date
    entry_reason: str
    authorisation_no: str | None
    authorised_on: date | None
    retirement: RetirementFact


class PersonReleased(PlacementEvent):
    """A person left the unit's establishment (出编); the day of exit does not count."""

    type: Literal["roster.person_released.v1"] = "roster.person_released.v1"
    ended_on: date
    exit_reason: str


class OverQuotaRecorded(PlacementEvent):
    """The office recorded a person beyond quota, with its cause and document. It is never hidden."""

    type: Literal["roster.over_quota_recorded.v1"] = "roster.over_quota_recorded.v1"
    started_on: date
    cause: OverQuotaCause
    retirement: RetirementFact


class PlacementCorrected(PlacementEvent):
    """A placement (its dates, or the person's retirement facts) was corrected, with proof."""

    type: Literal["roster.placement_corrected.v1"] = "roster.placement_corrected.v1"
    started_on: date
    ended_on: date | None
    authorised_on: date | None
    retirement: RetirementFact
    cause: OverQuotaCause | None = Field(None, description="Beyond quota, and why, as it is recorded now; none: not recorded as beyond.")


class LoadedPlacement(BaseModel):
    """One person of a first load, on his post. `cause`: beyond quota, and why."""

    model_config = ConfigDict(frozen=True)

    person_id: UUID
    person_version: int = Field(ge=1)
    kind: str
    funding: str
    started_on: date
    authorised_on: date | None = None
    cause: OverQuotaCause | None = None
    retirement: RetirementFact


class LoadedHistory(BaseModel):
    """A post of the past that a first load tells of: who held it from when to when (the last day does not count), and why it ended."""

    model_config = ConfigDict(frozen=True)

    person_id: UUID
    kind: str
    funding: str
    started_on: date
    ended_on: date
    exit_reason: str


class UnitLoaded(RosterEvent):
    """People of a unit's first load (期初建账), at most 500 together. Who could not be within quota is told as such; nobody is left out."""

    type: Literal["roster.unit_loaded.v1"] = "roster.unit_loaded.v1"
    people: tuple[LoadedPlacement, ...] = Field(max_length=500)
    history: tuple[LoadedHistory, ...] = Field((), max_length=500, description="Posts of the past: nobody holds them, no row counts them.")


class SecondmentEvent(RosterEvent):
    """Something happened to a loan of one of the unit's people: the unit lends (and keeps the post), the borrower is named inside."""

    secondment_id: UUID
    person_id: UUID
    borrower_id: UUID | None = Field(description="None: a unit outside the register.")
    form: Literal["seconded_out", "temporary_post"] = Field(description="借调, 挂职.")
    started_on: date
    until: date = Field(description="The last day approved.")


class SecondmentStarted(SecondmentEvent):
    """A person of the unit works elsewhere for a term; no establishment row changes."""

    type: Literal["roster.secondment_started.v1"] = "roster.secondment_started.v1"


class SecondmentExtended(SecondmentEvent):
    """The term has a later last day."""

    type: Literal["roster.secondment_extended.v1"] = "roster.secondment_extended.v1"


class SecondmentEnded(SecondmentEvent):
    """The person is back, or has left the unit; the day of return does not count."""

    type: Literal["roster.secondment_ended.v1"] = "roster.secondment_ended.v1"
    ended_on: date


class UnitFrozen(RosterEvent):
    """A freeze order came into force for this unit (one event per affected unit)."""

    type: Literal["roster.unit_frozen.v1"] = "roster.unit_frozen.v1"
    order_id: UUID
    root_unit_id: UUID
    scopes: tuple[FreezeScope, ...]


class UnitUnfrozen(RosterEvent):
    """A freeze order ended for this unit."""

    type: Literal["roster.unit_unfrozen.v1"] = "roster.unit_unfrozen.v1"
    order_id: UUID
    root_unit_id: UUID


EVENTS: tuple[type[RosterEvent], ...] = (
    UnitRegistered,
    UnitChanged,
    UnitClosed,
    QuotaChanged,
    SeatsChanged,
    PostsReserved,
    ReservationHeld,
    HoldReleased,
    ReservationExpired,
    ReservationMoved,
    PostClaimed,
    ClaimReleased,
    PersonRegistered,
    PersonPlaced,
    PersonReleased,
    OverQuotaRecorded,
    PlacementCorrected,
    UnitLoaded,
    SecondmentStarted,
    SecondmentExtended,
    SecondmentEnded,
    UnitFrozen,
    UnitUnfrozen,
)

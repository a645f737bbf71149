"""What the roster's commands are asked. Actor, reason and document number come with `By`; dates lie today or before."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.roster.models.texts import Line, UnitName
from shared.glossary import FreezeScope, OverQuotaCause
from workflows.roster import Effect


class Request(BaseModel):
    """The input of a command. `baseline`, where a class has it, marks a unit's first load: rules run dry on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class UnitFacts(Request):
    """What the register says of a unit beside its key items (domain §1.1). Nature, public-welfare class, funding and sector are four attributes."""

    short_name: UnitName | None = None
    nature: str | None = None
    public_welfare: str | None = None
    unit_funding: str | None = None
    sector: str | None = None
    rank: str | None = None
    system: str | None = None
    duties: str | None = Field(None, max_length=20_000)
    established_on: date | None = None
    leaders_above_rank: str | None = Field(None, max_length=200, description="单位领导高配: who may hold which rank above the post's.")
    leaders_above_rank_no: str | None = Field(None, max_length=100, description="The document that allows it.")
    second_names: tuple[UnitName, ...] = Field((), max_length=50)
    plates: tuple[UnitName, ...] = Field((), max_length=50)
    internal_units: tuple[UnitName, ...] = Field((), max_length=200)
    withheld: bool = Field(False, description="不计入公开汇总; everything below such a unit is withheld too.")
    document_on: date | None = None


class RegisterUnit(UnitFacts):
    """A unit below its parent, from a day on."""

    name: UnitName
    code: str = Field(min_length=1, max_length=50)
    uscc: str | None = None
    category: str
    parent_id: UUID | None = None
    valid_from: date
    baseline: bool = False


class QuotaRow(Request):
    """One (unit, kind, funding) and the approval of the change."""

    unit_id: UUID
    kind: str
    funding: str
    effective_on: date
    document_on: date
    baseline: bool = False


class SetQuota(QuotaRow):
    """With `over_quota_cause` the number may be lowered below what is in use: the office records why."""

    posts: int = Field(ge=0, le=100_000)
    over_quota_cause: OverQuotaCause | None = None
    use_until: date | None = Field(None, description="使用期限 (周转编制), the last day. None: as it is.")


class RaiseQuota(QuotaRow):
    """核增."""

    posts: int = Field(ge=1, le=100_000)
    use_until: date | None = Field(None, description="As of SetQuota, of the whole row.")


class CutQuota(QuotaRow):
    """核减; below what is in use only with the office's recorded cause."""

    posts: int = Field(ge=1, le=100_000)
    over_quota_cause: OverQuotaCause | None = None


class MoveQuota(QuotaRow):
    """From `unit_id` to `to_unit_id`, the same kind and funding."""

    posts: int = Field(ge=1, le=100_000)
    to_unit_id: UUID


class SetSeats(Request):
    """领导职数 of one level, from a day on; with `over_seats_cause` lowered below the leaders in post: the office records why."""

    unit_id: UUID
    level: str = Field(min_length=1, max_length=50)
    approved: int = Field(ge=0, le=1000)
    effective_on: date
    over_seats_cause: OverQuotaCause | None = None
    baseline: bool = False


class TellSeats(Request):
    """One level of a unit, as it stands."""

    unit_id: UUID
    level: str


class KeptByUnit(Request):
    """What the unit itself keeps up to date of a post, no key item (★): where somebody sits, and of somebody outside the establishment the contract."""

    internal_unit: Line | None = None
    employment_form: str | None = Field(None, description="编外.")
    dispatch_company: Line | None = Field(None, description="编外.")
    contract_until: date | None = Field(None, description="编外.")


CONTRACT = frozenset(KeptByUnit.model_fields) - {"internal_unit"}


class PostDetails(KeptByUnit):
    """What belongs to the post, as on its first day; what a unit keeps up to date, and `duty_status`, change later from a day on."""

    duty_status: str | None = None
    entry_source: Line | None = None
    entered_on: date | None = Field(None, description="进入时间: into the unit's system; the post itself is held from `started_on` on.")
    entry_document_no: str | None = Field(None, max_length=100, description="None: the document of the write.")
    off_post_kind: str | None = Field(None, description="编外.")


class KeyItemsOfPost(Request):
    """The key items (★) of the post. `duty_status` changes from a day on; the others are corrected as they always were."""

    duty_status: str | None = None
    started_on: date | None = None
    entry_reason: str | None = None
    entry_document_no: str | None = Field(None, max_length=100)
    authorisation_no: str | None = Field(None, max_length=100)
    authorised_on: date | None = None


class Post(PostDetails):
    """A person on a post of one (unit, kind, funding)."""

    person_id: UUID
    unit_id: UUID
    kind: str
    funding: str
    started_on: date
    seat_level: str | None = Field(None, description="领导职数: the level whose seat the person takes.")
    baseline: bool = False


class PlacePerson(Post):
    """By the office, with an authorisation (a first load may lack it)."""

    entry_reason: str
    authorisation_no: str | None = Field(None, max_length=100)
    authorised_on: date | None = None


class RecordOverQuota(Post):
    """A person beyond quota, and why."""

    cause: OverQuotaCause


class ReleasePerson(Request):
    """The day of exit does not count."""

    placement_id: UUID
    ended_on: date
    exit_reason: str


class TransferPerson(Request):
    """One command, two units, one date."""

    person_id: UUID
    from_unit_id: UUID
    to_unit_id: UUID
    kind: str
    funding: str
    effective_on: date
    authorisation_no: str = Field(max_length=100)
    authorised_on: date


class CorrectedPost(PostDetails):
    """What of a post can be put right. What is given as none is taken away, but for what every post has: of that, none says nothing."""

    kind: str | None = None
    funding: str | None = None
    seat_level: str | None = None
    started_on: date | None = None
    ended_on: date | None = None
    authorisation_no: str | None = Field(None, max_length=100)
    authorised_on: date | None = None
    entry_reason: str | None = None
    exit_reason: str | None = None
    over_quota_cause: OverQuotaCause | None = Field(None, description="定性: of who is recorded as beyond quota.")


EVERY_POST_HAS = frozenset(CorrectedPost.model_fields) - PostDetails.model_fields.keys() - {"seat_level"}


class CorrectPlacement(CorrectedPost):
    """Only what is given is corrected; when and why somebody left only where he has left."""

    placement_id: UUID


class ChangeSeat(Request):
    """任免: the seat that the holder of a post takes from a day on; none: he leaves the one he has."""

    placement_id: UUID
    seat_level: str | None
    since: date


class FrozenPosts(Request):
    """Posts of one row that an order freezes by number."""

    kind: str
    funding: str
    posts: int = Field(ge=1)


class FreezeUnit(Request):
    """`posts` where the order names a number, on rows of its root unit."""

    order_id: UUID
    unit_id: UUID
    scopes: tuple[FreezeScope, ...]
    posts: tuple[FrozenPosts, ...] = ()


class UnfreezeUnit(Request):
    """The end of an order, on a signed release."""

    order_id: UUID
    unit_id: UUID


class TakeEffect(Effect):
    """`expires_on` is worked out at the door, from the limit and the calendar; a repeat may know a newer calendar, so it is no part of the request's
    identity. Nor is what it was worked out from: a case that is taken up again says more than an older build did.
    """

    expires_on: date = Field(exclude=True)
    submitted_at: AwareDatetime | None = Field(None, exclude=True)


class LapseReservations(Request):
    """What nobody used or holds in time, of one unit; `on` is the day of the sweep."""

    unit_id: UUID
    on: date


class RecallReservation(Request):
    """The authorised use that an application led to: its document was revoked."""

    application_id: UUID

"""What decisions look at: rows as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from shared.events.roster import EstablishmentState
from shared.glossary import PersonIdentity, PostCategory
from shared.law.retirement import Category, Sex


@dataclass(frozen=True)
class Placement:
    """One person's post on one unit. `ended_on` is the day of exit, which does not count; none while in post."""

    placement_id: UUID
    person_id: UUID
    unit_id: UUID
    kind: str
    funding: str
    started_on: date
    ended_on: date | None
    entry_reason: str
    exit_reason: str | None
    seat_level: str | None
    authorisation_no: str | None
    authorised_on: date | None
    over_quota_cause: str | None
    transfer_id: UUID | None
    document_no: str | None
    internal_unit: str | None = None
    duty_status: str | None = None
    entry_source: str | None = None
    entry_document_no: str | None = None
    off_post_kind: str | None = None
    employment_form: str | None = None
    dispatch_company: str | None = None
    contract_until: date | None = None
    entered_on: date | None = None


@dataclass(frozen=True)
class PersonRecord:
    """A person as known now, without the ID number. A birth date is the certified one where there is one."""

    person_id: UUID
    name: str
    sex: Sex
    birth_on: date
    certified_birth_on: date | None
    identity: PersonIdentity
    post_category: PostCategory
    title: str | None
    professional_title: str | None
    retirement_override: Category | None
    leadership_level: str | None = None
    retirement_reason: str | None = None
    flexible_retirement: str | None = None


@dataclass(frozen=True)
class Reservation:
    """Authorised posts. `held` of the `unspent` ones belong to entry applications in flight. `recalled_on`: when their document was revoked."""

    id: UUID
    unit_id: UUID
    kind: str
    funding: str
    posts: int
    unspent: int
    held: int
    authorisation_no: str
    authorised_on: date
    expires_on: date
    recalled_on: date | None = None


@dataclass(frozen=True)
class RowWords:
    """What the codes of a unit's rows are called: a refusal is read by people. A code that no table has known stays as it is."""

    labels: Mapping[tuple[str, str], str]

    def __call__(self, **codes: str) -> dict[str, str]:
        """`kind=`, `funding=` and `category=` in words, as the facts of a refusal."""
        return {field: self.labels.get((field, code), code) for field, code in codes.items()}


@dataclass(frozen=True)
class Nature:
    """What a kind is: 编制 in law or not, and of which population its people are. Kinds of two names may be alike."""

    counted: bool
    population: str
    label: str = field(compare=False)


@dataclass(frozen=True)
class PostFacts:
    """All that decides about a post for an application: gathered once, judged by the same rules as advice and as law. `natures`: of the kind asked
    for and of those the person holds.
    """

    establishment: EstablishmentState
    kind_allowed: bool
    category: str
    words: RowWords
    frozen_by: tuple[UUID, ...] = ()
    buried_revision: int = 0
    reservation: Reservation | None = None
    holds_one: bool = False
    on_rosters: tuple[Placement, ...] = ()
    natures: Mapping[str, Nature] = field(default_factory=dict)
    person: PersonRecord | None = None

    @property
    def post_ends(self) -> tuple[date | None, ...]:
        """When each placement of the person ends, none for one that lasts."""
        return tuple(each.ended_on for each in self.on_rosters)

    def population_of(self, kind: str) -> str:
        """Who is on posts of a kind; of one that no code table has, nothing is known."""
        nature = self.natures.get(kind)
        return nature.population if nature else ""


@dataclass(frozen=True)
class EntryFacts:
    """All that decides about an entry by the office. `post_ends`: when each placement of the person ends, none for one that lasts."""

    before: EstablishmentState
    frozen_by: tuple[UUID, ...]
    post_ends: tuple[date | None, ...]
    person: PersonRecord
    population: str = "public"


def place_of(person_id: UUID | str, field: str = "id_number") -> str:
    """What an encrypted value of a person's record is bound to."""
    return f"person_records.{field}.{person_id}"

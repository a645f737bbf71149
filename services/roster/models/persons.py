"""What the roster is asked about persons. Plain sensitive values go no further than `commands.sealing`; commands get them sealed."""

from datetime import date
from uuid import UUID

from pydantic import Field

from services.roster.models.fields import FROM_INSURANCE, PERSONS, Sensitivity
from services.roster.models.requests import KeptByUnit, Request
from services.roster.models.texts import Line, PersonName, ShortLine
from shared.glossary import PersonIdentity, PostCategory
from shared.law.retirement import Category, Sex
from shared.reasons import Reason


class PersonDetails(Request):
    """What the unit itself may change of a person: no key item (★). Codes are those of the sets that `models.fields` names."""

    ethnicity: str | None = Field(None, repr=False, max_length=20)
    native_place: ShortLine | None = None
    birth_place: ShortLine | None = None
    political_status: str | None = Field(None, repr=False, max_length=20)
    party_joined_on: date | None = Field(None, repr=False)
    work_began_on: date | None = None
    education: str | None = None
    degree: str | None = None
    full_time_education: str | None = None
    full_time_degree: str | None = None
    in_service_education: str | None = None
    in_service_degree: str | None = None
    school: Line | None = None
    major: Line | None = None
    graduated_on: date | None = None
    person_class: str | None = None
    title_since: date | None = None
    grade: str | None = None
    post_grade: str | None = None
    professional_title: Line | None = None
    professional_title_level: str | None = None
    above_rank: bool | None = None
    civil_servant_registered: bool | None = None
    flexible_retirement: str | None = None


class PersonFacts(PersonDetails):
    """What is known of a person beside the ID number. `certified_birth_on` (档案认定) governs retirement."""

    name: PersonName
    sex: Sex
    birth_on: date
    certified_birth_on: date | None = None
    identity: PersonIdentity
    post_category: PostCategory
    title: Line | None = None
    leadership_level: str | None = None
    retirement_category: Category | None = Field(None, description="Overrides what post and title say.")
    retirement_reason: str | None = Field(None, max_length=500, description="Why it is another.")


TOLD = (*PersonFacts.model_fields, "id_number")
"""What somebody tells of a person: a form, a file, another system."""
RECORD = (*TOLD, *(field.name for field in FROM_INSURANCE))
"""The columns of a record: each has the name of its field."""
SENSITIVE = frozenset(field.name for field in (*PERSONS.fields, *FROM_INSURANCE) if field.sensitivity is Sensitivity.SENSITIVE)
KEY_ITEMS = frozenset(field.name for field in PERSONS.fields if field.key) & set(RECORD)
"""★ of a record."""
MANDATORY = frozenset({"name", "id_number", "sex", "birth_on", "identity", "post_category"})


class RegisterPerson(PersonFacts):
    """A person and the ID number in plain; it goes no further than `commands.persons`."""

    unit_id: UUID
    id_number: str = Field(min_length=15, max_length=18, repr=False)
    baseline: bool = False


class Sealed(Request):
    """Sensitive values by field, encrypted: no plain one reaches a command, a hash or a log. By its mark a repeat is recognised; by `indexes`, the
    blind indexes of the ID number under every key, a person.
    """

    sealed: dict[str, bytes | None] = Field(exclude=True, repr=False)
    marks: dict[str, str | None] = Field(default_factory=dict)
    indexes: dict[int, bytes] = Field(default_factory=dict, exclude=True, repr=False)

    @property
    def mark(self) -> str:
        """By which two of one request are recognised as one person."""
        return self.marks["id_number"] or ""


class SealedPerson(Sealed, PersonFacts):
    """A person whose sensitive values are encrypted already."""

    person_id: UUID = Field(exclude=True)
    unit_id: UUID
    baseline: bool = False


class PersonChange(PersonDetails):
    """Only what is given changes; what is given as none is taken away."""

    person_id: UUID
    identity: PersonIdentity | None = None
    post_category: PostCategory | None = None


class UpdatePerson(PersonChange, KeptByUnit):
    """From the day `since` on, by the unit: of the person, and of the post."""

    since: date


class KeyItems(PersonChange):
    """The same with the key items (★): by the office with proof, or by a case."""

    since: date | None = Field(None, description="From which day on it is so; none: it always was.")
    name: PersonName | None = None
    id_number: str | None = Field(None, min_length=15, max_length=18, repr=False)
    sex: Sex | None = None
    birth_on: date | None = None
    certified_birth_on: date | None = None
    title: Line | None = None
    leadership_level: str | None = None
    retirement_category: Category | None = None
    retirement_reason: str | None = Field(None, max_length=500)


class CorrectPerson(KeyItems):
    """By the office, with proof. A key item (★) is corrected from where the wrong value begins, never changed from a day on."""


class SealedChange(Sealed):
    """A change whose sensitive values are encrypted already; `values` are the other fields of the record, `post` those of the post, by field."""

    person_id: UUID
    since: date | None
    values: dict[str, str | bool | date | None]
    post: dict[str, str | date | None] = Field(default_factory=dict)

    @property
    def columns(self) -> dict[str, object]:
        """What the record is to hold."""
        return {**self.values, **self.sealed}


class RevealPerson(Request):
    """Somebody needs a number in full; he says why."""

    person_id: UUID
    reason: Reason

"""Where plain sensitive values end: they are checked and encrypted one by one, each bound to its place, before a command sees them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.facts import PersonRecord, place_of
from services.roster.models.loads import LoadedPerson
from services.roster.models.persons import MANDATORY, SENSITIVE, TOLD, KeyItems, PersonChange, SealedChange
from services.roster.models.refusals import NothingCorrected
from services.roster.models.requests import KeptByUnit
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.facts import person_record
from services.roster.queries.persons import id_number_of
from services.roster.rules.persons import checked_number, ensure_category_fits, ensure_late_open, ensure_past
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.events.envelope import uuid7s

_NUMBER = frozenset({"id_number", "sex", "birth_on"})
_IN_ORDER = sorted(SENSITIVE & set(TOLD))
_NUMBER_ALONE = frozenset({"id_number"})
"""Where a list of people is known by something else, of a person his number alone says who he is."""


def seal(cipher: FieldCipher, person_id: UUID, given: Mapping[str, Any]) -> dict[str, dict[Any, Any]]:
    """`sealed`, `marks` and `indexes` of the sensitive values among these; a value that is none stays none."""
    return _seal_all(cipher, [(person_id, given)], SENSITIVE)[0]


def _seal_all(
    cipher: FieldCipher, people: Sequence[tuple[UUID, Mapping[str, Any]]], marked: Collection[str]
) -> list[dict[str, dict[Any, Any]]]:
    """The same for several. `marked`: by which of his values a repeat is told."""
    texts = [{name: str(given[name]) for name in _IN_ORDER if given.get(name) is not None} for _, given in people]
    places = [(str(person_id), told) for (person_id, _), told in zip(people, texts, strict=True)]
    encrypted = iter(cipher.encrypt_all([(text, place_of(person_id, name)) for person_id, told in places for name, text in told.items()]))
    return [_seal(cipher, given, told, encrypted, marked) for (_, given), told in zip(people, texts, strict=True)]


def _seal(
    cipher: FieldCipher, given: Mapping[str, Any], texts: Mapping[str, str], encrypted: Iterator[bytes], marked: Collection[str]
) -> dict[str, dict[Any, Any]]:
    there = [name for name in _IN_ORDER if name in given]
    indexes = cipher.indexes(texts["id_number"]) if "id_number" in texts else {}
    marks = {
        name: (cipher.mark_of(indexes) if name == "id_number" else cipher.mark(texts[name])) if name in texts else None
        for name in there
        if name in marked
    }
    return {"sealed": dict.fromkeys(there) | {name: next(encrypted) for name in texts}, "marks": marks, "indexes": indexes}


def sealed(cipher: FieldCipher, given: Mapping[str, Any]) -> LoadedPerson:
    """Check and encrypt the number of a person with his post (the fields of OpenLoadedPerson), as registering him would.

    Raises what `checked_number`, `ensure_category_fits` and `ensure_late_open` raise.
    """
    number = checked_number(given["id_number"], given["sex"], given["birth_on"])
    return all_sealed(cipher, [{**given, "id_number": number}], SENSITIVE)[0]


def all_sealed(cipher: FieldCipher, people: Sequence[Mapping[str, Any]], marked: Collection[str] = _NUMBER_ALONE) -> list[LoadedPerson]:
    """The same for people whose numbers are checked. Raises what `ensure_category_fits` and `ensure_late_open` raise."""
    ids = uuid7s(len(people))
    hidden = _seal_all(cipher, [*zip(ids, people, strict=True)], marked)
    made = []
    for person_id, given, of_person in zip(ids, people, hidden, strict=True):
        open_ones = {name: value for name, value in given.items() if name not in SENSITIVE}
        person = LoadedPerson.model_validate({**open_ones, **of_person, "person_id": person_id})
        ensure_category_fits(person, person.retirement_category)
        ensure_late_open(person, person.flexible_retirement)
        made.append(person)
    return made


async def seal_change(conn: Connection, cipher: FieldCipher, what: PersonChange, on: date, post: Mapping[str, Any]) -> SealedChange:
    """Check a change against the code tables and today (`on`), and a new number, sex or birth date against each other; then encrypt. `post`: key items of the post."""
    post = {**post, **what.model_dump(exclude_unset=True, include=set(KeptByUnit.model_fields))}
    told = what.model_dump(exclude_unset=True, include=set(TOLD))
    given = {name: value for name, value in told.items() if value is not None or name not in MANDATORY}
    if not given and not post:
        raise NothingCorrected
    await ensure_known_codes(conn, on, given, post)
    ensure_past(given, on)
    if isinstance(what, KeyItems) and _NUMBER & given.keys():
        known = await person_record(conn, what.person_id)
        number = what.id_number or await id_number_of(conn, cipher, what.person_id)
        number = checked_number(number, what.sex or known.sex, what.birth_on or known.birth_on)
        given |= {"id_number": number} if what.id_number else {}
    if "flexible_retirement" in given:
        _ensure_choice_open(await person_record(conn, what.person_id), given)
    values = {name: value for name, value in given.items() if name not in SENSITIVE}
    since: date | None = getattr(what, "since", None)
    return SealedChange(**seal(cipher, what.person_id, given), person_id=what.person_id, since=since, values=values, post=post)


def _ensure_choice_open(known: PersonRecord, given: Mapping[str, Any]) -> None:
    """The choice is judged by what the person is with this very change."""
    deciding = {name: given[name] for name in ("identity", "leadership_level", "post_category") if name in given}
    ensure_late_open(replace(known, **deciding), given["flexible_retirement"])

"""Where plain sensitive values end: they are checked and encrypted one by one, each bound to its place, before a command sees them."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.facts import place_of
from services.roster.models.loads import LoadedPerson
from services.roster.models.persons import MANDATORY, RECORD, SENSITIVE, KeyItems, PersonChange, SealedChange
from services.roster.models.refusals import NothingCorrected
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.facts import person_record
from services.roster.queries.persons import id_number_of
from services.roster.rules.persons import checked_number, ensure_category_fits
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.events.envelope import uuid7

_NUMBER = frozenset({"id_number", "sex", "birth_on"})
_IN_ORDER = sorted(SENSITIVE)


def seal(cipher: FieldCipher, person_id: UUID, given: Mapping[str, Any], marked: Collection[str] = SENSITIVE) -> dict[str, dict[Any, Any]]:
    """`sealed`, `marks` and `indexes` of the sensitive values among these; a value that is none stays none. `marked`: by which a repeat is told."""
    texts = {name: str(given[name]) for name in _IN_ORDER if given.get(name) is not None}
    encrypted = cipher.encrypt_all([(text, place_of(person_id, name)) for name, text in texts.items()])
    return {
        "sealed": dict.fromkeys(name for name in _IN_ORDER if name in given) | dict(zip(texts, encrypted, strict=True)),
        "marks": {name: cipher.mark(texts[name]) if name in texts else None for name in _IN_ORDER if name in given and name in marked},
        "indexes": cipher.indexes(texts["id_number"]) if "id_number" in texts else {},
    }


def sealed(cipher: FieldCipher, given: Mapping[str, Any], marked: Collection[str] = SENSITIVE) -> LoadedPerson:
    """Check and encrypt the number of a person with his post (the fields of OpenLoadedPerson), as registering him would.

    Raises what `checked_number` and `ensure_category_fits` raise.
    """
    number = checked_number(given["id_number"], given["sex"], given["birth_on"])
    plain = {name: value for name, value in given.items() if name not in SENSITIVE}
    person_id = uuid7()
    person = LoadedPerson(**plain, **seal(cipher, person_id, {**given, "id_number": number}, marked), person_id=person_id)
    ensure_category_fits(person, person.retirement_category)
    return person


async def seal_change(conn: Connection, cipher: FieldCipher, what: PersonChange, on: date, post: Mapping[str, Any]) -> SealedChange:
    """Check a change against the code tables, and a new number, sex or birth date against each other; then encrypt. `post`: what is of the post."""
    told = what.model_dump(exclude_unset=True, include=set(RECORD))
    given = {name: value for name, value in told.items() if value is not None or name not in MANDATORY}
    if not given and not post:
        raise NothingCorrected
    await ensure_known_codes(conn, on, given, post)
    if isinstance(what, KeyItems) and _NUMBER & given.keys():
        known = await person_record(conn, what.person_id)
        number = what.id_number or await id_number_of(conn, cipher, what.person_id)
        number = checked_number(number, what.sex or known.sex, what.birth_on or known.birth_on)
        given |= {"id_number": number} if what.id_number else {}
    values = {name: value for name, value in given.items() if name not in SENSITIVE}
    since: date | None = getattr(what, "since", None)
    return SealedChange(**seal(cipher, what.person_id, given), person_id=what.person_id, since=since, values=values, post=dict(post))

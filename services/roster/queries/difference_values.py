"""What a difference holds, for screens and for lists: who may see it, its values in words, the sensitive ones sealed or masked."""

from uuid import UUID

import asyncpg

from services.roster.models.fields import SHEETS, Sensitivity
from services.roster.queries.persons import MASK
from services.roster.queries.units import seen
from shared.auth import Who
from shared.crypto import FieldCipher, masked_id_number
from shared.exports.lists import Words

_LEADS = "coalesce(cases.decided, cases.leads)"
NARROWED = f"""
    ($3::uuid IS NULL OR cases.last_run = $3) AND ($4::text IS NULL OR cases.state = $4) AND (NOT $5 OR cases.state <> 'difference_closed'
    AND NOT cases.explained) AND ($6::text IS NULL OR cases.kind = $6) AND ($7::text IS NULL OR {_LEADS} = $7)
    AND ($8::text IS NULL OR cases.sheet = $8) AND ($9::text IS NULL OR cases.field = $9)
    AND ($10::uuid IS NULL OR $10 = ANY(units.path)) AND ($11::uuid IS NULL OR cases.person_id = $11)
"""


def may_see(who: Who) -> str:
    """A difference belongs to its unit; one of none, to those who see the whole county."""
    return f"(cases.unit_id IS NULL AND $1::uuid[] IS NULL OR {seen(who)})"


def is_sensitive(sheet: str, name: str) -> bool:
    """Whether a field's values are encrypted one by one."""
    known = SHEETS[sheet].by_name.get(name)
    return known is not None and known.sensitivity is Sensitivity.SENSITIVE


def place_in(case_id: UUID, name: str) -> str:
    """What an encrypted value of a difference is bound to."""
    return f"comparison_differences.{name}.{case_id}"


def opened_values(cipher: FieldCipher, case: asyncpg.Record) -> tuple[str | None, str | None]:
    """Ours and theirs of a case, in plain."""
    if not is_sensitive(case["sheet"], case["field"]):
        return case["ours"], case["theirs"]
    ours, theirs = (
        None if case[f"{name}_sealed"] is None else cipher.decrypt(case[f"{name}_sealed"], place_in(case["id"], name))
        for name in ("ours", "theirs")
    )
    return ours, theirs


def label_of(case: asyncpg.Record) -> str:
    """What the field is called in the register; nothing for a whole row."""
    known = SHEETS[case["sheet"]].by_name.get(case["field"])
    return known.label if known else ""


def said(case: asyncpg.Record, text: str | None, spoken: Words) -> str | None:
    """A value as people say it."""
    known = SHEETS[case["sheet"]].by_name.get(case["field"])
    return text if known is None else known.said(text, spoken)


def number_of(cipher: FieldCipher, case: asyncpg.Record) -> str | None:
    """The number of somebody who is not in our roster."""
    sealed = case["number_sealed"]
    return None if sealed is None else cipher.decrypt(sealed, place_in(case["id"], "number"))


def shown(cipher: FieldCipher, case: asyncpg.Record, spoken: Words) -> dict[str, str | None]:
    """`ours` and `theirs` in words, masked: an ID number by its ends, of the other sensitive fields only that there is something."""
    if not is_sensitive(case["sheet"], case["field"]):
        return {name: said(case, case[name], spoken) for name in ("ours", "theirs")}
    if case["field"] == "id_number":
        ours, theirs = (text and masked_id_number(text) for text in opened_values(cipher, case))
        return {"ours": ours, "theirs": theirs}
    return {name: case[f"{name}_sealed"] and MASK for name in ("ours", "theirs")}

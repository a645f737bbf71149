"""Which register leads, field by field: one version of that setting, from its text."""

import tomllib
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from shared.glossary import LeadingSide


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SheetLeads(_Part):
    """Of one sheet: the side of each field, of rows that one side lacks, and fields whose empty cell there counts."""

    default: LeadingSide
    missing_here: LeadingSide
    missing_there: LeadingSide
    blank: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()

    def of(self, field: str) -> LeadingSide:
        """The side that is right about a field."""
        named = {LeadingSide.OURS: self.ours, LeadingSide.THEIRS: self.theirs, LeadingSide.ASK: self.ask}
        return next((side for side, names in named.items() if field in names), self.default)


class Outside(_Part):
    """What only one of the registers keeps."""

    kinds: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()


class Leads(_Part):
    """One version of the setting; `sheets` by our kind of sheet."""

    version: str = Field(pattern=r"^[0-9a-z]+$")
    valid_from: date
    outside: Outside = Outside()
    sheets: dict[str, SheetLeads]


def leads(text: str) -> Leads:
    """A version from its TOML text. Raises ValueError."""
    return Leads.model_validate(tomllib.loads(text))

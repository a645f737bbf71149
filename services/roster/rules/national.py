"""The column map of the national format: from its text to columns."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.roster.models.fields import SHEETS

Words = Mapping[str, Mapping[str, str]]
STANDARD = "standard:"
"""Before the name of a code set: what the national standard calls each code."""


class NationalColumn(BaseModel):
    """One column: its header there, our field or figure, and how a code is written."""

    model_config = ConfigDict(frozen=True)

    header: str
    field: str
    codes: Literal["label", "standard", "words"] = "label"


class NationalSheet(BaseModel):
    """One sheet; `kind` is our own sheet of the same things."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    title: str
    columns: tuple[NationalColumn, ...]

    @field_validator("columns", mode="before")
    @classmethod
    def _named(cls, rows: Sequence[Sequence[str]]) -> list[dict[str, str]]:
        return [dict(zip(("header", "field", "codes"), row, strict=False)) for row in rows]

    def words_of(self, column: NationalColumn, national: "National", words: Words) -> Mapping[str, str] | None:
        """What each code of the column is written as; none: by our labels."""
        of_set = self.set_of(column)
        if of_set is None or column.codes == "label":
            return None
        return national.words[column.field] if column.codes == "words" else words[STANDARD + of_set]

    def set_of(self, column: NationalColumn) -> str | None:
        """The code set of the column's field; none where it holds no code."""
        field = SHEETS[self.kind].by_name.get(column.field)
        return field.codes if field else None


class National(BaseModel):
    """One version of the format."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(pattern=r"^[0-9a-z]+$")
    valid_from: date
    source: str
    sheets: tuple[NationalSheet, ...]
    words: dict[str, dict[str, str]] = Field(default_factory=dict)


def national(text: str) -> National:
    """A version from its TOML text. Raises ValueError."""
    return National.model_validate(tomllib.loads(text))

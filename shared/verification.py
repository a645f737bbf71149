"""核验: anybody who holds a sealed document may ask whether it is ours and still holds, by the file's SHA-256 or by the number printed on it.

Who names a number alone is told that it exists and what its file's hash begins with, not whom it is for: numbers can be guessed.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import NotFound

HASH_SHOWN = 16


class NotOurs(NotFound):
    """Never sealed here, or altered since."""

    code = "document_not_ours"
    sentence = "没有找到这份已签章的文书：文号不存在，或者文件不是本单位签章的原件、签章后被改动过。请以原件重新核验，或向签发单位核实。"


class AskedFor(BaseModel):
    """Either of the two."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    document_no: str | None = Field(None, min_length=4, max_length=80)

    @model_validator(mode="after")
    def _one(self) -> "AskedFor":
        if (self.sha256 is None) == (self.document_no is None):
            raise ValueError("one of sha256 and document_no")
        return self


class Proven(BaseModel):
    """A document that was sealed here. `unit` is told to who holds the file; `revoked_by`: it no longer holds."""

    title: str
    document_no: str
    unit: str | None
    signer: str
    sealed_at: datetime
    sha256: str
    revoked_by: str | None = None

    def to(self, asked: AskedFor) -> "Proven":
        """What the asker is told."""
        return self if asked.sha256 else self.model_copy(update={"unit": None, "sha256": self.sha256[:HASH_SHOWN]})


async def _rated(request: Request) -> None:
    request.app.state.rates.take("anybody")


Anybody = Annotated[None, Depends(_rated)]
"""A route for everybody: all who are not signed in share one rate."""

"""Saved views: how somebody wants to see a list."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class View:
    """One of one's own."""

    id: UUID
    name: str
    query: str


class SaveView(BaseModel):
    """Keep it, in place of one of the same name."""

    model_config = ConfigDict(frozen=True)

    area: str
    name: str
    query: str

"""By what people are chosen for a list. What is known by name or number is asked in a body, never in a URL."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

Population = Literal["public", "off_establishment", "state_enterprise"]
OnRoster = Literal["on", "off", "never", "all"]


class PersonFilter(BaseModel):
    """`unit`: of it and, with `below`, of all below it. `on_roster`: who holds a post (of any population), who holds none, who never
    held one, or all. `lent`: whether somebody is lent out. `title`: how it begins. Codes are those of `/codes`.
    """

    unit: UUID | None = None
    below: bool = True
    on_roster: OnRoster = "on"
    population: Population | None = None
    kind: str | None = None
    funding: str | None = None
    duty_status: str | None = None
    seat_level: str | None = None
    entry_reason: str | None = None
    lent: bool | None = None
    identity: str | None = None
    post_category: str | None = None
    post_grade: str | None = None
    leadership_level: str | None = None
    grade: str | None = None
    title: str | None = Field(None, max_length=200)
    sex: str | None = None
    education: str | None = None
    degree: str | None = None


class PersonSearch(PersonFilter):
    """`name`: its beginning, as written, or in letters: as spelt (zhangw) or by initials (zw); with `exact`, the whole of it. `id_number`: the whole number
    only.
    """

    on_roster: OnRoster = "all"
    name: str | None = Field(None, max_length=100, repr=False)
    exact: bool = False
    id_number: str | None = Field(None, max_length=18, repr=False)

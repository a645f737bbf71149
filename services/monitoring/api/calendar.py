"""The working calendar as it is applied: holidays, make-up days, and how far the notices reach."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.monitoring.api.asked import Asking
from shared.auth import Permit, Who
from shared.clock import business_day

router = APIRouter(tags=["calendar"])
Reader = Annotated[Who, Depends(Permit("rules.read", "public"))]


class YearOfDays(BaseModel):
    """A year's exceptions to Monday to Friday. Not `published`: only fixed-date holidays are known, and terms that reach into it are provisional."""

    year: int
    version: str
    published: bool
    known_until: date | None
    off: list[date]
    work: list[date]


@router.get("/calendar")
async def get_calendar(asked: Asking, _: Reader, year: Annotated[int | None, Query(ge=2000, le=2100)] = None) -> YearOfDays:
    """节假日安排 of a year, the present one unless another is named."""
    year = year or business_day(asked.clock.now()).year
    calendar = asked.surroundings.calendar
    off, work = ([day for day in days if day.year == year] for days in (calendar.off, calendar.work))
    return YearOfDays(
        year=year, version=calendar.version, published=year in calendar.published, known_until=calendar.horizon, off=off, work=work
    )

"""What several tests of the rules judge: a person, a row of posts, a day, and how a refusal is expected."""

from contextlib import nullcontext
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.roster.models.facts import PersonRecord
from shared.errors import DomainError
from shared.events.roster import EstablishmentState
from shared.glossary import PersonIdentity, PostCategory
from shared.law.retirement import Sex

BORN = date(1970, 5, 20)
DAY, ONE = date(2026, 9, 18), timedelta(days=1)


def refused(refusal: type[DomainError] | None) -> Any:
    return pytest.raises(refusal) if refusal else nullcontext()


def person(**facts: object) -> PersonRecord:
    usual: dict[str, object] = {
        "person_id": uuid4(),
        "name": "测试人员",
        "sex": Sex.FEMALE,
        "birth_on": BORN,
        "certified_birth_on": None,
        "identity": PersonIdentity.PROFESSIONAL,
        "post_category": PostCategory.TECHNICAL,
        "title": None,
        "professional_title": None,
        "retirement_override": None,
    }
    return PersonRecord(**(usual | facts))  # type: ignore[arg-type]  # a dictionary of defaults and what a test changes


def row(quota: int, headcount: int, **more: Any) -> EstablishmentState:
    return EstablishmentState(**{"kind": "SY", "funding": "full", "quota": quota, "headcount": headcount, "reserved": 0, **more})

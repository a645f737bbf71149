"""The form of each parameter's value."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

from shared.glossary import FreezeScope, Rung


class _Step(BaseModel):
    rung: Rung
    offset: Annotated[int, Field(strict=True)]


_DAYS: TypeAdapter[Any] = TypeAdapter(Annotated[int, Field(ge=1, le=250, strict=True)])

_SERIES: TypeAdapter[Any] = TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)])

_YES_OR_NO: TypeAdapter[Any] = TypeAdapter(Annotated[bool, Field(strict=True)])

_POLICY: TypeAdapter[Any] = TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None)

PARAMETER_FORMS: Mapping[str, TypeAdapter[Any]] = {
    "budget_days": _DAYS,
    "plan_days": _DAYS,
    "grace_days": _DAYS,
    "extension_days": _DAYS,
    "extensions": TypeAdapter(Annotated[int, Field(ge=0, strict=True)]),
    "ladder": TypeAdapter(list[_Step]),
    "repeat_months": TypeAdapter(Annotated[int, Field(ge=0, le=60, strict=True)]),
    "notice_series": _SERIES,
    "notice_sealed": _YES_OR_NO,
    "list_series": _SERIES,
    "scopes": TypeAdapter(Annotated[list[FreezeScope], Field(min_length=1)]),
    "decide_automatically": _POLICY,
    "release_automatically": _POLICY,
}

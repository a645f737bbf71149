"""The form of each parameter's value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter

from shared.glossary import FreezeScope, Rung


@dataclass(frozen=True)
class Form:
    """What a value is judged by, and what it should be in the words of a refusal."""

    adapter: TypeAdapter[Any]
    wanted: str

    def value_of(self, told: JsonValue) -> JsonValue:
        """The value as it is kept, without blanks around it. Raises ValidationError where it is of another kind, or out of range."""
        value: JsonValue = self.adapter.dump_python(self.adapter.validate_python(told), mode="json")
        return value


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rung: Rung
    offset: Annotated[int, Field(strict=True)]


def _once_each(scopes: list[FreezeScope]) -> list[FreezeScope]:
    if len(set(scopes)) < len(scopes):
        raise ValueError("twice")
    return scopes


def _whole(least: int, most: int, unit: str) -> Form:
    return Form(TypeAdapter(Annotated[int, Field(ge=least, le=most, strict=True)]), f" {least} 至 {most} 的整数（{unit}）")


def _chosen(codes: Sequence[str]) -> str:
    return "、".join(codes)


_DAYS = _whole(1, 250, "工作日")
_SERIES = Form(TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]), " 1 至 20 个字的字号")
_POLICY = Form(
    TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] | None),
    "授权文件的文号（1 至 80 个字），未授权的为空（null）",
)

PARAMETER_FORMS: Mapping[str, Form] = {
    "budget_days": _DAYS,
    "plan_days": _DAYS,
    "grace_days": _DAYS,
    "extension_days": _DAYS,
    "extensions": _whole(0, 20, "次"),
    "ladder": Form(
        TypeAdapter(Annotated[list[_Step], Field(max_length=50)]),
        f"阶梯的列表，每级写 rung（{_chosen(tuple(Rung))}）和 offset（距到期日的工作日数，整数）",
    ),
    "repeat_months": _whole(0, 60, "月"),
    "notice_series": _SERIES,
    "notice_sealed": Form(TypeAdapter(Annotated[bool, Field(strict=True)]), "是或否（true、false）"),
    "list_series": _SERIES,
    "scopes": Form(
        TypeAdapter(Annotated[list[FreezeScope], Field(min_length=1), AfterValidator(_once_each)]),
        f"冻结范围的列表（{_chosen(tuple(FreezeScope))}），至少一项，每项一次",
    ),
    "decide_automatically": _POLICY,
    "release_automatically": _POLICY,
}

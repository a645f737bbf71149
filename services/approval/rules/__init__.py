"""Pure decisions of approval, each with its ground."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.approval.models.refusals import (
    ApplicationIncomplete,
    CauseUnfit,
    CauseUnknown,
    ExceptionNeedless,
    NotATransfer,
    SideFixed,
    UnitFixed,
)
from shared.glossary import LABELS, ApplicationType, FreezeScope
from workflows.approval_messages import Content

SERIES = "编申"
"""In the numbers of applications."""
_CALLED = {
    "kind": "编制类型",
    "funding": "经费形式",
    "person_id": "人员",
    "reason_code": "事由",
    "effective_on": "生效日期",
    "from_unit_id": "调出单位",
    "change_id": "变更登记",
    "posts": "用编数（须为 1）",
    "reservation_id": "核准用编文号",
}
_SAYS_ROW = {ApplicationType.ENTRY: "reservation_id", ApplicationType.EXIT: "person_id"}
"""By what a form says of which posts it is: whoever has not filled that in cannot fill in the posts."""
_NEEDED = {
    ApplicationType.POST_USE: (),
    ApplicationType.ENTRY: ("person_id", "reason_code", "effective_on"),
    ApplicationType.EXIT: ("person_id", "reason_code", "effective_on"),
    ApplicationType.TRANSFER: ("person_id", "from_unit_id", "effective_on"),
    ApplicationType.CHANGE: ("person_id", "change_id"),
}
_STOPPED_BY = {
    ApplicationType.POST_USE: FreezeScope.POST_USE,
    ApplicationType.ENTRY: FreezeScope.ENTRY,
    ApplicationType.TRANSFER: FreezeScope.ENTRY,
}

REASONS = {ApplicationType.ENTRY: "entry_reasons", ApplicationType.EXIT: "exit_reasons"}
"""In which of the roster's tables the reason of an application stands."""
_INSTEAD = {
    "transfer": "市内调动由调入单位提交调动申请，出编、入编一并办理。",
    "reallocation": "划转由编办按编委文件在机构改革中办理。",
}
_BY_THE_OFFICE = "此项由编办登记，不由单位申请。"


def ensure_complete(application_type: ApplicationType, content: Content) -> None:
    """Refuse a form that lacks what its procedure asks for (domain §2.3). Whether the post may be taken is the roster's to judge."""
    missing = [name for name in (*_row_missing(application_type, content), *_NEEDED[application_type]) if not getattr(content, name)]
    if missing:
        raise _incomplete(*dict.fromkeys(missing))
    if application_type is not ApplicationType.POST_USE and content.posts != 1:
        raise _incomplete("posts")
    if application_type is not ApplicationType.TRANSFER and content.from_unit_id:
        raise NotATransfer


def ensure_cause(application_type: ApplicationType, code: str, reasons: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a reason that is none, or that another procedure stands for. Raises CauseUnknown, CauseUnfit."""
    if code not in reasons:
        raise CauseUnknown(cause=code)
    if not reasons[code]["applied_for"]:
        instead = _INSTEAD.get(code, _BY_THE_OFFICE)
        raise CauseUnfit(cause=reasons[code]["label"], matter=LABELS[application_type], instead=instead)


def _row_missing(application_type: ApplicationType, content: Content) -> tuple[str, ...]:
    if application_type is ApplicationType.CHANGE or (content.kind and content.funding):
        return ()
    says = _SAYS_ROW.get(application_type)
    return (says,) if says and not getattr(content, says) else ("kind", "funding")


def ensure_same_units(before: Content, mended: Content) -> None:
    """A mended application stays with the units it was submitted for; another unit applies anew. Raises UnitFixed."""
    if mended.units != before.units:
        raise UnitFixed


def ensure_same_side(before: bool | None, mended: bool | None) -> None:
    """It stays 编外, or stays 编制: other freezes stop the one than the other. None: not known. Raises SideFixed."""
    if before is not None and mended is not None and before is not mended:
        raise SideFixed


def _incomplete(*fields: str) -> ApplicationIncomplete:
    return ApplicationIncomplete(missing="、".join(_CALLED[each] for each in fields), fields=",".join(fields))


def after_effect(application_type: ApplicationType, posts: int, figures: Mapping[str, int]) -> dict[str, int]:
    """The figures that a notice states, as they stand once the effect is there: a preview is written before it."""
    changed = {
        ApplicationType.POST_USE: {"reserved": posts, "available": -posts},
        ApplicationType.ENTRY: {"headcount": 1, "reserved": -1},
    }.get(application_type, {})
    return {name: figures[name] + by for name, by in changed.items() if name in figures}


def stopped_by(application_type: ApplicationType, *, off_establishment: bool | None) -> FreezeScope | None:
    """The scope of a freeze that stops an application of this type; exits are never stopped (domain §4.4, trap 7). 编外 has a scope of its own."""
    scope = _STOPPED_BY.get(application_type)
    return FreezeScope.OFF_ESTABLISHMENT if scope and off_establishment else scope


def stopped_types(scopes: tuple[FreezeScope, ...], *, off_establishment: bool) -> list[ApplicationType]:
    """The application types a freeze with these scopes stops."""
    return [each for each in _STOPPED_BY if stopped_by(each, off_establishment=off_establishment) in scopes]


def under(content: Content, orders: tuple[UUID, ...]) -> Content:
    """The exception that it claims is one to these orders, which stop it now; to none that comes later. Raises ExceptionNeedless."""
    if content.exception is None:
        return content
    if not orders:
        raise ExceptionNeedless
    return content.model_copy(update={"exception": content.exception.model_copy(update={"orders": orders})})


def number(series: str, year: int, running: int) -> str:
    """A document number (文号): 编核〔2026〕1号, with the brackets U+3014 and U+3015 of GB/T 9704."""
    return f"{series}〔{year}〕{running}号"


def document_state(*, sha256: str | None, released: bool, requested: bool, filed: bool, revoked: bool) -> str:
    """How far a notice is. 待签章 lasts until the sealed file is filed: an answer alone is no seal (domain §14, trap 30)."""
    if revoked:
        return "revoked"
    if filed:
        return "filed"
    if released or requested:
        return "awaiting_seal"
    return "awaiting_release" if sha256 else "numbered"

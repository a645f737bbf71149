"""信息维护: what is no key item (★) of a person, or of his post, is changed by the unit itself from a day on, with its reason."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import choices_of, words_of
from services.portal.models import Problem, Refused

router = APIRouter()
Keeper = Annotated[Page, Depends(Opened("persons.update"))]
DAY, FLAG = "day", "flag"


@dataclass(frozen=True)
class Item:
    """One field. `kind`: the code set it is chosen from, a day, a flag, or nothing: text. `secret`: what stands there is not shown."""

    name: str
    label: str
    kind: str = ""
    secret: bool = False
    fixed: bool = False


OF_PERSON = (
    Item("ethnicity", "民族", "ethnicities", secret=True),
    Item("political_status", "政治面貌", "political_statuses", secret=True),
    Item("party_joined_on", "入党时间", DAY, secret=True),
    Item("native_place", "籍贯"),
    Item("birth_place", "出生地"),
    Item("work_began_on", "参加工作时间", DAY),
    Item("education", "学历", "educations"),
    Item("degree", "学位", "degrees"),
    Item("full_time_education", "全日制学历", "educations"),
    Item("full_time_degree", "全日制学位", "degrees"),
    Item("in_service_education", "在职学历", "educations"),
    Item("in_service_degree", "在职学位", "degrees"),
    Item("school", "毕业院校"),
    Item("major", "专业"),
    Item("graduated_on", "毕业时间", DAY),
)
OF_WORK = (
    Item("identity", "人员身份", "identities", fixed=True),
    Item("post_category", "岗位类别", "post_categories", fixed=True),
    Item("person_class", "人员分类", "person_classes"),
    Item("title_since", "任现职时间", DAY),
    Item("grade", "职级", "civil_grades"),
    Item("post_grade", "岗位等级", "post_grades"),
    Item("professional_title", "专业技术职务"),
    Item("professional_title_level", "职称级别", "professional_title_levels"),
    Item("above_rank", "是否高配", FLAG),
    Item("civil_servant_registered", "是否公务员登记", FLAG),
    Item("flexible_retirement", "弹性选择", "flexible_retirements"),
)
OF_POST = (Item("internal_unit", "所在内设机构"),)
OF_CONTRACT = (
    Item("contract_until", "合同到期", DAY),
    Item("employment_form", "用工方式", "employment_forms", fixed=True),
    Item("dispatch_company", "派遣单位"),
)
_ALL = (*OF_PERSON, *OF_WORK, *OF_POST, *OF_CONTRACT)
_BESIDE = ("since", "reason", "document_no")


@router.get("/persons/{person_id}/updates/new", response_class=Response)
async def form(page: Keeper, person_id: UUID) -> Response:
    """The form: what stands there today beside each field; an empty one stays as it is."""
    return await _form(page, person_id, dict.fromkeys((*(each.name for each in _ALL), *_BESIDE), "") | {"cleared": []})


@router.post("/persons/{person_id}/updates/new", response_class=Response)
async def update(page: Keeper, person_id: UUID) -> Response:
    """Change it; it holds at once."""
    typed = {name: page.text(name) for name in (*(each.name for each in _ALL), *_BESIDE)} | {"cleared": page.texts("cleared")}
    try:
        await page.send("roster", f"/persons/{person_id}/updates", body_of(typed))
    except Refused as refusal:
        return await _form(page, person_id, typed, refusal.problem)
    return page.back(f"/persons/{person_id}", done="person_updated")


def body_of(typed: dict[str, Any]) -> dict[str, Any]:
    """What the service is sent: what was filled in, and nothing for what is to be empty."""
    sent = {name: value for name, value in typed.items() if value and name != "cleared"}
    return sent | {each.name: None for each in _ALL if each.name in typed["cleared"] and not each.fixed and not typed[each.name]}


async def _form(page: Page, person_id: UUID, typed: dict[str, Any], error: Problem | None = None) -> Response:
    found, codes = await asyncio.gather(page.get("roster", f"/persons/{person_id}"), page.get("roster", "/codes"))
    post = found["placement"]
    parts: list[tuple[str, Any, tuple[Item, ...]]] = [("用工合同", post, OF_CONTRACT)] if post and post["employment_form"] else []
    parts += [("所在机构", post, OF_POST)] if post else []
    parts += [("岗位信息", found, OF_WORK), ("本人信息", found, OF_PERSON)]
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    shown = {
        "found": found,
        "parts": parts,
        "words": words_of(codes),
        "choices": choices_of(codes),
        "typed": typed,
        "error": error,
        "errors": errors,
    }
    return page.show("update_new.html", error.status if error else 200, **shown)

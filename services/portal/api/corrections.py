"""更正: what was recorded wrongly of a person, or of a post he holds or held, is put right by the office on a document that proves it."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import choices_of, names_of_units, words_of
from services.portal.api.updates import DAY, OF_CONTRACT, OF_PERSON, OF_WORK, Item
from services.portal.models import Problem, Refused

router = APIRouter()
Corrector = Annotated[Page, Depends(Opened("roster.correct"))]
KEY_ITEMS = (
    Item("name", "姓名", fixed=True),
    Item("id_number", "身份证号", fixed=True),
    Item("sex", "性别", "sexes", fixed=True),
    Item("birth_on", "出生日期", DAY, fixed=True),
    Item("certified_birth_on", "档案认定出生日期", DAY),
    Item("title", "职务"),
    Item("leadership_level", "领导职务级别", "leadership_grades"),
    Item("retirement_category", "退休类别", "retirement_categories"),
    Item("retirement_reason", "退休类别认定理由"),
)
ENTRY = (
    Item("kind", "编制类型", "kinds", fixed=True),
    Item("funding", "经费形式", "fundings", fixed=True),
    Item("started_on", "入编时间", DAY, fixed=True),
    Item("entry_reason", "进入形式", "entry_reasons", fixed=True),
    Item("entry_source", "来源单位"),
    Item("entered_on", "进入时间", DAY),
    Item("entry_document_no", "入编文号"),
    Item("authorisation_no", "用编单编号", fixed=True),
    Item("authorised_on", "核编日期", DAY, fixed=True),
)
FIRST_DAY = (
    Item("duty_status", "人员状态", "duty_statuses"),
    Item("internal_unit", "所在内设机构"),
    Item("seat_level", "占用职数", "leadership_levels"),
)
OVER = (Item("over_quota_cause", "超编原因", "over_quota_causes", fixed=True),)
LEFT = (Item("ended_on", "出编时间", DAY, fixed=True), Item("exit_reason", "出编原因", "exit_reasons", fixed=True))
CONTRACT = (Item("off_post_kind", "编外岗位类别", "off_post_kinds", fixed=True), *OF_CONTRACT)
OF_A_PERSON = (("关键信息", KEY_ITEMS), ("岗位信息", OF_WORK), ("本人信息", OF_PERSON))
OF_A_POST = (("", (*ENTRY, *OVER, *LEFT, *FIRST_DAY, *CONTRACT)),)
WHY = ("document_no", "reason")
FIXED = frozenset(each.name for _, items in (*OF_A_PERSON, *OF_A_POST) for each in items if each.fixed)


@router.get("/persons/{person_id}/corrections/new", response_class=Response)
async def form(page: Corrector, person_id: UUID) -> Response:
    """Of the person: what stands there beside each field; an empty one stays as it is."""
    return await _of_person(page, person_id)


@router.post("/persons/{person_id}/corrections/new", response_class=Response)
async def correct(page: Corrector, person_id: UUID) -> Response:
    """Put it right; it holds at once."""
    try:
        await page.send("roster", f"/persons/{person_id}/corrections", _body(page, OF_A_PERSON, "since"))
    except Refused as refusal:
        return await _of_person(page, person_id, refusal.problem)
    return page.back(f"/persons/{person_id}", done="corrected")


@router.get("/persons/{person_id}/corrections/{placement_id}", response_class=Response)
async def form_of_post(page: Corrector, person_id: UUID, placement_id: UUID) -> Response:
    """Of one post, also one that is over."""
    return await _of_post(page, person_id, placement_id)


@router.post("/persons/{person_id}/corrections/{placement_id}", response_class=Response)
async def correct_post(page: Corrector, person_id: UUID, placement_id: UUID) -> Response:
    """Put it right from its beginning."""
    try:
        await page.send("roster", f"/placements/{placement_id}/corrections", _body(page, OF_A_POST))
    except Refused as refusal:
        return await _of_post(page, person_id, placement_id, refusal.problem)
    return page.back(f"/persons/{person_id}", done="corrected")


def _body(page: Page, parts: tuple[tuple[str, tuple[Item, ...]], ...], *more: str) -> dict[str, Any]:
    names = [each.name for _, items in parts for each in items]
    sent: dict[str, Any] = {name: page.text(name) for name in (*names, *WHY, *more) if page.text(name)}
    return sent | {name: None for name in page.texts("cleared") if name in names and name not in FIXED and name not in sent}


async def _of_person(page: Page, person_id: UUID, error: Problem | None = None) -> Response:
    found, codes = await asyncio.gather(page.get("roster", f"/persons/{person_id}"), page.get("roster", "/codes"))
    parts = [(title, found, items) for title, items in OF_A_PERSON]
    return _show(page, parts, codes, error, found=found, post=None, unit="")


async def _of_post(page: Page, person_id: UUID, placement_id: UUID, error: Problem | None = None) -> Response:
    found, codes, history = await asyncio.gather(
        page.get("roster", f"/persons/{person_id}"),
        page.get("roster", "/codes"),
        page.get("roster", f"/persons/{person_id}/history", limit=200),
    )
    known = [each for each in history["items"] if each["placement_id"] == str(placement_id) and not each["recorded_until"]]
    if not known:
        return page.show("not_found.html", 404, problem=None)
    post = known[-1]
    parts: list[Any] = [("入编", post, ENTRY)] + ([("出编", post, LEFT)] if post["ended_on"] else []) + [("入编首日", post, FIRST_DAY)]
    parts += [("超编定性", post, OVER)] if post["over_quota_cause"] else []
    parts += [("用工（首日）", post, CONTRACT)] if post["employment_form"] else []
    names = await names_of_units(page, {post["unit_id"]})
    return _show(page, parts, codes, error, found=found, post=post, unit=names.get(post["unit_id"], ""))


def _show(page: Page, parts: list[Any], codes: dict[str, Any], error: Problem | None, **shown: Any) -> Response:
    names = [each.name for _, _, items in parts for each in items]
    typed: dict[str, Any] = {name: page.text(name) for name in (*names, *WHY, "since")} | {"cleared": page.texts("cleared")}
    errors = {each.field: each.reason for each in (error.fields or ())} if error else {}
    shown |= {"parts": parts, "words": words_of(codes), "choices": choices_of(codes)}
    return page.show("correction_new.html", error.status if error else 200, typed=typed, error=error, errors=errors, **shown)

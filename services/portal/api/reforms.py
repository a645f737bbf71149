"""机构改革: the reforms carried out, and a new one from its file: read, tried out, decided. The roster judges; what was brought is never lost."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from services.portal.api.door import Opened, Page
from services.portal.api.passing import AS_FILE
from services.portal.api.units import asked_of, words_of
from services.portal.models import Problem, Refused
from services.portal.rules import reforms as rules

router = APIRouter()
Reader = Annotated[Page, Depends(Opened("units.read"))]
Maintainer = Annotated[Page, Depends(Opened("roster.maintain"))]
EXAMPLE = Path(__file__).parents[3] / "docs" / "reform.example.toml"
LARGEST = 1024 * 1024
NO_PLAN = Problem(status=422, code="no_file", title="没有改革方案", detail="没有收到方案，没有试算。请选择方案文件，或把方案内容填入下框。")
NO_TEXT = Problem(
    status=422, code="not_text", title="文件读不出来", detail="文件不是 UTF-8 文本，没有试算。请用文本编辑器另存为 UTF-8 编码后再试。"
)
TOO_LARGE = Problem(status=413, code="too_large", title="文件过大", detail="方案文件超过 1 MB，没有试算。请按生效日期拆分为几份方案。")


@router.get("/reforms", response_class=Response)
async def reforms(page: Reader) -> Response:
    """The latest first, unless another order is asked for; the list alone where htmx asks."""
    asked = asked_of(page, ("q", "sort", "after"))
    found = await page.get("roster", "/reforms", **asked | {"sort": asked["sort"] or "-effective_on"})
    names = await page.names_of(*(each["actor"] for each in found["items"]))
    return page.show("reforms_list.html" if page.is_fragment else "reforms.html", asked=asked, found=found, names=names)


@router.get("/reforms/new", response_class=Response)
async def form(page: Maintainer) -> Response:
    """Bring a plan."""
    return _form(page, "")


@router.get("/reforms/example", response_class=Response)
async def example(page: Maintainer) -> Response:  # noqa: ARG001  the permission is all that is asked
    """A plan that says itself how it is written."""
    headers = AS_FILE | {"content-disposition": 'attachment; filename="reform.example.toml"'}
    return Response(EXAMPLE.read_bytes(), headers=headers, media_type="application/toml")


@router.post("/reforms/new", response_class=Response)
async def try_out(page: Maintainer) -> Response:
    """Read the plan and try it out; nothing is written."""
    text, error = await _brought(page)
    return _form(page, text, error) if error else await _tried(page, text)


@router.post("/reforms", response_class=Response)
async def carry_out(page: Maintainer) -> Response:
    """Carry out what was tried. What is refused is tried once more, so that all that speaks against it is told."""
    text = _typed(page)
    try:
        read = await page.send("roster", "/reforms/read", {"text": text})
        if not read["body"]:
            return _form(page, text, wrong=read["wrong"])
        done = await page.send("roster", "/reforms", read["body"])
    except Refused as refusal:
        return await _tried(page, text, refusal.problem)
    return page.back(f"/reforms/{done['reform_id']}", done="reform_done")


@router.get("/reforms/{reform_id}", response_class=Response)
async def reform(page: Reader, reform_id: UUID) -> Response:
    """What it did, as far as the viewer may see it."""
    found, codes = await asyncio.gather(page.get("roster", f"/reforms/{reform_id}"), page.get("roster", "/codes"))
    steps = [rules.said(each, found["names"], words_of(codes), {}) for each in found["steps"]]
    left = rules.without_internal_unit(found["internal_units_left"], found["names"])
    return page.show("reform.html", found=found, steps=steps, left=left, names=await page.names_of(found["actor"]))


async def _brought(page: Page) -> tuple[str, Problem | None]:
    """The text of the file where one was chosen, else what was typed; a file that is none leaves what was typed."""
    file, text = page.form.get("file"), _typed(page)
    if isinstance(file, UploadFile) and file.filename:
        content = await file.read(LARGEST + 1)
        if len(content) > LARGEST:
            return text, TOO_LARGE
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return text, NO_TEXT
    return text, None if text.strip() else NO_PLAN


def _typed(page: Page) -> str:
    """With its blanks: the roster knows the same text again."""
    return str(page.form.get("text", ""))


async def _tried(page: Page, text: str, error: Problem | None = None) -> Response:
    try:
        read = await page.send("roster", "/reforms/read", {"text": text})
        if not read["body"]:
            return _form(page, text, error, read["wrong"])
        tried, codes = await asyncio.gather(page.send("roster", "/reforms/check", read["body"]), page.get("roster", "/codes"))
    except Refused as refusal:
        return _form(page, text, error or refusal.problem)
    left = rules.without_internal_unit(tried["internal_units_left"], read["units"])
    return _form(page, text, error, trial={"tried": tried, "read": read, "left": left} | _told(read, words_of(codes)))


def _told(read: dict[str, Any], words: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The plan in words. `known`: the units that are there already."""
    steps = read["body"]["steps"]
    made = {each["unit_id"] for each in steps if each["step"] == "establish"}
    said = [rules.said(each, read["units"], words, read["people"]) for each in steps]
    known = {unit_id: name for unit_id, name in read["units"].items() if unit_id not in made}
    plan = {"document_no": None, "reason": "", "over_quota_cause": None} | read["body"]
    return {"plan": plan, "steps": said, "known": known, "causes": words.get("over_quota_causes", {})}


def _form(
    page: Page, text: str, error: Problem | None = None, wrong: list[str] | None = None, trial: dict[str, Any] | None = None
) -> Response:
    status = error.status if error else 422 if wrong else 200
    return page.show("reform_new.html", status, text=text, error=error, wrong=wrong or [], trial=trial, counted=rules.counted)

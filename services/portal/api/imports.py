"""导入: templates out, files in, what was found in them, and the decision to write. The roster judges; a file passes through unkept."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page, Receiving
from services.portal.api.passing import AS_FILE, events_of, passed_on
from services.portal.models import Problem, Refused
from shared.brought import plain_name

router = APIRouter()
Maintainer = Annotated[Page, Depends(Opened("roster.maintain"))]
KINDS = {"roster": "人员", "units": "单位", "quotas": "编制", "seats": "领导职数", "offestablishment": "编外人员"}
CHOSEN = ("kind", "unit", "political_legal")
RUNNING = ("import_received", "import_checking", "import_applying")
A_PAGE = 50
NO_FILE = Problem(status=422, code="no_file", title="没有选择文件", detail="没有收到文件，本次没有导入。请选择文件后再提交。")


def of_file(problem: Problem, name: str) -> Problem:
    """With the name of the file: several stand on the page, and the one that was refused is not among them."""
    return problem.model_copy(update={"detail": f"文件“{plain_name(name)[:80]}”：{problem.detail}"})


@router.get("/imports", response_class=Response)
async def imports(page: Maintainer) -> Response:
    """What was brought, the latest first, and the way to bring more."""
    return await _imports(page)


async def _imports(page: Page, error: Problem | None = None) -> Response:
    after = page.request.query_params.get("after", "")
    found = await page.get("roster", "/imports", before=after, limit=A_PAGE)
    names = await page.names_of(*(each["actor"] for each in found["items"]))
    shown = {"found": found, "names": names, "asked": {"after": after}, "running": RUNNING, "error": error, "kinds": KINDS}
    if page.is_fragment:
        return page.show("imports_list.html", **shown)
    typed = {name: page.text(name) for name in CHOSEN}
    return page.show("imports.html", error.status if error else 200, typed=typed, **shown)


@router.post("/imports", response_class=Response, max_body_size=2**62)  # the roster says what is too large
async def receive(page: Annotated[Page, Depends(Receiving("roster.maintain"))]) -> Response:
    """Bring a file. What is refused is told beside what was chosen."""
    fields = {name: page.text(name) for name in CHOSEN if page.text(name)}
    if not page.request.state.incoming.file_name:
        return await _imports(page, NO_FILE)
    try:
        done = await page.send_file("roster", "/imports", **fields)
    except Refused as refusal:
        return await _imports(page, of_file(refusal.problem, page.request.state.incoming.file_name))
    return page.back(f"/imports/{done['import_id']}")


@router.get("/imports/templates/{kind}", response_class=Response)
async def template(page: Maintainer, kind: str) -> Response:
    """An empty workbook with choices and instructions."""
    if kind not in KINDS:
        return page.show("not_found.html", 404, problem=None)
    return await passed_on(page.stream("roster", f"/templates/{kind}"), AS_FILE)


@router.get("/imports/{import_id}", response_class=Response)
async def read_import(page: Maintainer, import_id: UUID) -> Response:
    """Where it stands, what was found, what would change, and what may be decided; its live part alone where it is watched."""
    return await _detail(page, import_id)


async def _detail(page: Page, import_id: UUID, error: Problem | None = None) -> Response:
    found, problems, changes = await asyncio.gather(
        page.get("roster", f"/imports/{import_id}"),
        page.get("roster", f"/imports/{import_id}/problems", limit=A_PAGE),
        page.get("roster", f"/imports/{import_id}/changes", limit=A_PAGE),
    )
    names = await page.names_of(found["actor"])
    shown = {"found": found, "problems": problems, "changes": changes, "names": names, "running": RUNNING, "asked": {"after": ""}}
    typed = {name: page.text(name) for name in ("document_no", "reason")}
    shown["is_kept"] = page.request.app.state.clock.now() < datetime.fromisoformat(found["keep_until"])
    template = "import_state.html" if page.is_fragment else "import.html"
    return page.show(template, error.status if error else 200, error=error, typed=typed, **shown)


@router.get("/imports/{import_id}/problems", response_class=Response)
async def problems(page: Maintainer, import_id: UUID) -> Response:
    """What was found, row by row."""
    return await _rows(page, import_id, "problems")


@router.get("/imports/{import_id}/changes", response_class=Response)
async def changes(page: Maintainer, import_id: UUID) -> Response:
    """What would change, row by row, from what to what."""
    return await _rows(page, import_id, "changes")


async def _rows(page: Page, import_id: UUID, told: str) -> Response:
    after = page.request.query_params.get("after", "")
    found = await page.get("roster", f"/imports/{import_id}/{told}", after=after, limit=A_PAGE)
    shown = {told: found, "asked": {"after": after}, "import_id": str(import_id)}
    if page.is_fragment:
        return page.show(f"import_{told}_list.html", **shown)
    return page.show(f"import_{told}.html", found=await page.get("roster", f"/imports/{import_id}"), **shown)


@router.get("/imports/{import_id}/progress", response_class=Response)
async def progress(page: Maintainer, import_id: UUID) -> Response:
    """A sign whenever it moved, until it rests."""
    return await events_of(page, "roster", f"/imports/{import_id}/progress")


@router.get("/imports/{import_id}/result", response_class=Response)
async def result(page: Maintainer, import_id: UUID) -> Response:
    """The file again with a column of findings, for who brought it."""
    return await passed_on(page.stream("roster", f"/imports/{import_id}/result"), AS_FILE)


@router.post("/imports/{import_id}/apply", response_class=Response)
async def apply(page: Maintainer, import_id: UUID) -> Response:
    """Have it written; of a file with errors the good rows, where that is what the button says."""
    body = {"accept_valid": page.text("rows") == "valid", "reason": page.text("reason"), "document_no": page.text("document_no") or None}
    return await _done(page, import_id, "apply", body)


@router.post("/imports/{import_id}/cancel", response_class=Response)
async def cancel(page: Maintainer, import_id: UUID) -> Response:
    """Stop it, or leave it: units that are written stay whole."""
    return await _done(page, import_id, "cancel", {"reason": page.text("reason")})


async def _done(page: Page, import_id: UUID, deed: str, body: dict[str, Any]) -> Response:
    try:
        await page.send("roster", f"/imports/{import_id}/{deed}", body)
    except Refused as refusal:
        return await _detail(page, import_id, refusal.problem)
    return page.back(f"/imports/{import_id}")

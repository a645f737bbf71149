"""A written city into the roster, by the files and the doors that any office uses. Rows that are refused stay out, as the answer key says.

History goes in before what followed it, and all of it within the first load: the numbers of earlier years before those of today, units under the names
they had before they are renamed, and, when everybody of today is in post, who was there before.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.city import files
from deploy.city.files import FORMER, REFORMS
from deploy.doors import Doors
from deploy.imports import Import, Importing
from deploy.local.place import WrongPlace
from services.roster.models.fields import PERSONS, SHEETS, UNITS
from services.roster.models.imports import ImportState

DOCUMENT_NO = "期初建账-演示城市"


@dataclass
class Taken:
    """What the files wrote, and how many rows of those of today were refused. `history`: people who have left."""

    units: int = 0
    quotas: int = 0
    seats: int = 0
    persons: int = 0
    history: int = 0
    over_quota: int = 0
    refused: int = 0


async def load(doors: Doors, user: str, books: Mapping[str, bytes], tell: Callable[[str], None]) -> Taken:
    """Bring the files one after the other, and have their good rows written; a line is told of each. Repeating it changes nothing.

    WrongPlace where a file cannot be read, or not all of its good rows were written: those that follow are not brought then.
    """
    taken, importing = Taken(), Importing(doors, user)
    if REFORMS in books:
        await _reform(doors, user, importing, books, taken, tell)
    for kind in SHEETS:
        for name in (*_before(kind, books), kind, *([FORMER] if kind == PERSONS.kind and FORMER in books else [])):
            await _bring(importing, kind, name, books[name], taken, tell)
    return taken


def _before(kind: str, books: Mapping[str, bytes]) -> list[str]:
    """The files of that kind of earlier years; units of before come with their reforms."""
    return [] if kind == UNITS.kind else sorted(name for name in books if name.startswith(f"{kind}-"))


async def _bring(importing: Importing, kind: str, name: str, book: bytes, taken: Taken, tell: Callable[[str], None]) -> None:
    began = time.monotonic()
    found = await importing.check(kind, f"{name}.xlsx", book)
    if found["state"] != ImportState.CHECKED:
        raise WrongPlace(f"{name}.xlsx：{found['note']}")
    checked = time.monotonic()
    done = await importing.write(found, accept_valid=True, document_no=DOCUMENT_NO)
    await _ensure_written(importing, SHEETS[kind].title, found, done)
    for count in ("units", "quotas", "seats", "persons", "history", "over_quota"):
        setattr(taken, count, getattr(taken, count) + done["written"].get(count, 0))
    if name == kind:
        taken.refused += sum(each["wrong"] for each in found["sheets"].values())
    took = f"核对 {checked - began:.1f} 秒，写入 {time.monotonic() - checked:.1f} 秒"
    of_name = "" if name == kind else f"（{name}.xlsx）"
    tell(f"  {SHEETS[kind].title}{of_name}：{found['rows_read']} 行，{took}")


async def _reform(
    doors: Doors, user: str, importing: Importing, books: Mapping[str, bytes], taken: Taken, tell: Callable[[str], None]
) -> None:
    """Units as they were, and what became of them. What was done before is not done again."""
    reforms = files.reforms_of(books[REFORMS])
    known = await _known(doors, user)
    if any(each.uscc not in known for each in reforms if not each.into):
        for name in sorted(name for name in books if name.startswith(f"{UNITS.kind}-")):
            await _bring(importing, UNITS.kind, name, books[name], taken, tell)
        known = await _known(doors, user)
    for each in reforms:
        unit_id, name = known.get(each.uscc, ("", ""))
        rests_on = {"document_no": each.document_no, "effective_on": each.on.isoformat(), "reason": "机构改革"}
        if each.into and unit_id:
            await doors.post(user, "roster", f"/units/{unit_id}/close", rests_on | {"successors": [known[each.into][0]]})
        elif unit_id and name == each.former:
            renamed = {"name": each.name, "short_name": each.short_name, "document_on": each.on.isoformat(), "baseline": True}
            await doors.patch(user, "roster", f"/units/{unit_id}", rests_on | renamed)
    tell(f"  机构改革：更名和并入 {len(reforms)} 个单位")


async def _known(doors: Doors, user: str) -> dict[str, tuple[str, str]]:
    """Units that are there, by code: id and name."""
    return {each["code"]: (each["id"], each["name"]) for each in await doors.pages(user, "roster", "/units", fields="id,code,name")}


async def _ensure_written(importing: Importing, title: str, found: Import, done: Import) -> None:
    """WrongPlace with the first of what is missing, and what to do."""
    left = []
    if done["state"] != ImportState.APPLIED:
        left.append(f"导入{done['state_label']}")
    if refused := [f"{each['name']}：{each['sentence']}" for each in done["refused"]]:
        left.append(f"{len(refused)} 个单位未写入（如 {refused[0]}）")
    if loans := await importing.not_lent(found, done):
        left.append(f"{len(loans)} 项借调未登记（如第 {loans[0]['row']} 行：{loans[0]['sentence']}）")
    if left:
        raise WrongPlace(f"{title}没有全部装入：{'；'.join(left)}。解决后再次运行本命令即可接着装入，已写入的不会重复。")

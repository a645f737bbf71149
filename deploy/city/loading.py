"""A written city into the roster, by the files and the door that any office uses. Rows that are refused stay out, as the answer key says."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.doors import Doors
from deploy.imports import Importing
from deploy.local.place import WrongPlace
from services.roster.models.fields import SHEETS
from services.roster.models.imports import ImportState

DOCUMENT_NO = "期初建账-演示城市"


@dataclass
class Taken:
    """What the five files wrote, and how many of their rows were refused."""

    units: int = 0
    quotas: int = 0
    seats: int = 0
    persons: int = 0
    over_quota: int = 0
    refused: int = 0


async def load(doors: Doors, user: str, books: Mapping[str, bytes], tell: Callable[[str], None]) -> Taken:
    """Bring the files one after the other, and have their good rows written; a line is told of each. Repeating it changes nothing."""
    taken, importing = Taken(), Importing(doors, user)
    for kind, sheet in SHEETS.items():
        began = time.monotonic()
        found = await importing.check(kind, f"{kind}.xlsx", books[kind])
        if found["state"] != ImportState.CHECKED:
            raise WrongPlace(f"{kind}.xlsx：{found['note']}")
        checked = time.monotonic()
        done = await importing.write(found, accept_valid=True, document_no=DOCUMENT_NO)
        for name in ("units", "quotas", "seats", "persons", "over_quota"):
            setattr(taken, name, getattr(taken, name) + done["written"].get(name, 0))
        taken.refused += sum(each["wrong"] for each in found["sheets"].values())
        took = f"核对 {checked - began:.1f} 秒，写入 {time.monotonic() - checked:.1f} 秒"
        tell(f"  {sheet.title}：{found['rows_read']} 行，{took}")
    return taken

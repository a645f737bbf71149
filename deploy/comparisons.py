"""`bianban import provincial FILE`: the upper level's 实名制 register compared with ours, over the roster's door. Nothing is written to the roster."""

from pathlib import Path

from rich.console import Console

from deploy.doors import Doors
from deploy.waiting import at_rest
from services.roster.models.comparisons import UNDER_WAY, ComparisonState

KIND = "provincial"
TITLE = "与上级实名制系统比对"
_OUTCOME = (("new", "新发现"), ("again", "重新核实"), ("same", "仍未一致"), ("silent", "已说明"), ("closed", "自动销号"))
console = Console(highlight=False, soft_wrap=True)


async def compare_file(file: Path, user: str, doors: Doors, unit: str | None, *, whole: bool) -> int:
    """Bring a file, of the whole county or of one unit with those below it; 0: nothing is open, 1: something is, 2: it cannot be compared."""
    root = {"unit": await doors.unit_of(user, unit)} if unit else {"whole": "true"} if whole else {}
    answer = await doors.upload(user, "roster", "/comparisons", {"file": (file.name, file.read_bytes())}, **root)
    path = f"/comparisons/{answer.body['run_id']}"
    found = await at_rest(
        lambda: doors.get(user, "roster", path), UNDER_WAY, console, lambda run: {"description": f"比对 {run['rows_read']} 行"}
    )
    if found["state"] != ComparisonState.COMPARED:
        console.print(f"{file.name}：{found['note'] or found['state_label']}", style="red", markup=False)
        return 2
    for each in found["sheets"]:
        console.print(f"{each['title']}：上级 {each['there']} 行，本系统 {each['here']} 行，对应 {each['matched']} 行")
    for each in found["problems"]:
        console.print(f"  未比对  {each['sheet']} 第 {each['row']} 行 {each['column']}：{each['sentence']}", style="yellow", markup=False)
    if left := found["unread"] - len(found["problems"]):
        console.print(f"  其余 {left} 处未比对，略。")
    console.print("差异：" + "，".join(f"{word} {found['outcome'][name]}" for name, word in _OUTCOME))
    if open_ := sum(found["outcome"][name] for name in ("new", "again", "same")):
        console.print(f"查看与上报：bianban export differences --filter run={found['id']} --out 差异.xlsx", markup=False)
    return 1 if open_ or found["unread"] else 0

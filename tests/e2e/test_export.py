"""Lists come out by `bianban export`; every figure of a row is the same on the screen, in the list, and counted by hand from the list of people."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.demo.city import OFFICER
from deploy.doors import doors_of
from deploy.local.place import SERVICES, Place
from tests.e2e.command import bianban
from tests.exports.exporting import Taken

pytestmark = pytest.mark.asyncio(loop_scope="session")
SCREEN = {
    "编制数": "quota",
    "实有数": "headcount",
    "空编": "vacancy",
    "超编": "overstaffing",
    "已核未用": "reserved",
    "冻结数": "frozen",
    "可用编": "available",
    "使用率": "saturation",
}


async def exported(place: Place, folder: Path, name: str, *more: str, user: str = OFFICER) -> Taken:
    path = folder / f"{name}-{uuid4()}.xlsx"
    code, said = await bianban(place, "export", name, "--out", str(path), *more, "--user", user)
    assert code == 0, said
    return Taken(path.read_bytes(), path.name)


async def test_every_list_of_every_service_can_be_taken(whole: Place, tmp_path: Path) -> None:
    async with doors_of(whole) as doors:
        names = []
        for service in SERVICES:
            names += [each["name"] for each in (await doors.get(OFFICER, service, "/exports/lists")).body["items"]]
    code, said = await bianban(whole, "export", "--user", OFFICER)

    assert code == 0
    assert [name for name in names if name not in said] == []
    assert len(names) == len(set(names)) > 15
    for name in names:
        assert all(rows for rows in (await exported(whole, tmp_path, name)).sheets().values()), name


async def test_the_figures_are_the_same_on_the_screen_in_the_list_and_by_hand(whole: Place, tmp_path: Path) -> None:
    posts = (await exported(whole, tmp_path, "quotas")).records()
    people = Counter((row["单位编码"], row["编制类型"], row["经费形式"]) for row in (await exported(whole, tmp_path, "roster")).records())
    people += Counter((row["单位编码"], row["编制类型"], row.get("经费形式")) for row in await _outside(whole, tmp_path))
    async with doors_of(whole) as doors:
        units = {unit["code"]: unit["id"] for unit in await doors.pages(OFFICER, "roster", "/units")}
        pages = {code: (await doors.get(OFFICER, "roster", f"/units/{unit}")).body for code, unit in list(units.items())[:150]}

    assert len(posts) >= len(units) > 10
    for row in posts:
        in_post = people[row["单位编码"], row["编制类型"], row["经费形式"]]
        quota = row["编制数"]
        assert (row["实有数"], row["空编"], row["超编"]) == (in_post, max(0, quota - in_post), max(0, in_post - quota))
        assert row["可用编"] == quota - in_post - row["已核未用"] - row["冻结数"]
        assert row["使用率"] == (_rounded(in_post, quota) if quota else "")
        if row["单位编码"] in pages:
            (shown,) = [
                each
                for each in pages[row["单位编码"]]["establishments"]
                if (each["kind_label"], each["funding_label"]) == (row["编制类型"], row["经费形式"])
            ]
            assert [row[label] for label in SCREEN] == ["" if shown[name] is None else shown[name] for name in SCREEN.values()]


def _rounded(part: int, whole: float) -> float:
    """Half upwards, as one does by hand: 29 of 32 is 0.9063."""
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


async def _outside(whole: Place, folder: Path) -> list[dict[str, Any]]:
    """编外, whose list has no 经费形式: that of their only ceiling in the unit."""
    ceilings = {(row["单位编码"], row["编制类型"]): row["经费形式"] for row in (await exported(whole, folder, "quotas")).records()}
    rows = (await exported(whole, folder, "offestablishment")).records()
    return [row | {"编制类型": "编外用工控制数", "经费形式": ceilings.get((row["单位编码"], "编外用工控制数"))} for row in rows]


async def test_unmasked_needs_a_reason_and_nothing_is_overwritten(whole: Place, tmp_path: Path) -> None:
    path = tmp_path / "full.xlsx"
    refused = await bianban(whole, "export", "provincial", "--user", OFFICER, "--out", str(path), "--unmasked")
    there = path.exists()
    good = await bianban(
        whole, "export", "provincial", "--user", OFFICER, "--out", str(path), "--unmasked", "--reason", "报送上级实名制系统"
    )
    again = await bianban(whole, "export", "provincial", "--user", OFFICER, "--out", str(path))

    assert (refused[0], there) == (1, False)
    assert "须用文字写明用途" in refused[1]
    assert good[0] == 0
    assert "未脱敏" in good[1]
    assert "已存在，未覆盖" in again[1]
    assert "*" not in str(Taken(path.read_bytes(), "").records("人员信息")[0]["公民身份号码"])

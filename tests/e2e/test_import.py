"""An office's own spreadsheet goes in by `bianban import roster`: checked by default, written when told to, harmless when repeated."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER
from deploy.demo.plan import EDUCATION
from deploy.local.place import PROJECT, Place
from tests.imports import books

pytestmark = pytest.mark.asyncio(loop_scope="session")
BORN = date(1979, 5, 17)


def workbook(path: Path, seed: int) -> Path:
    """Two new units below one of the city; of four people one has a wrong number."""
    inventor = Inventor(seed, first_sequence=400)
    numbers = [inventor.id_number(BORN, "F") for _ in range(4)]
    wrong = numbers[3][:17] + ("1" if numbers[3][17] != "1" else "2")
    upper, lower = f"望汐市测试中心{seed}", f"望汐市测试分中心{seed}"
    units = [
        books.unit(单位名称=lower, 统一社会信用代码=inventor.uscc("12"), 主管部门=upper),
        books.unit(单位名称=upper, 统一社会信用代码=inventor.uscc("12"), 主管部门=EDUCATION, 编制数=1),
    ]
    persons = [books.person(0, 单位=upper, 公民身份号码=each, 出生日期=BORN) for each in numbers[:2]]
    persons += [books.person(1, 单位=lower, 公民身份号码=each, 出生日期=BORN) for each in (numbers[2], wrong)]
    return books.write(path, units, persons)


def bianban(place: Place, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments], env=place.variables(), cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


async def people_of(place: Place, seed: int) -> list[tuple[str, int, int]]:
    """Unit, people, and how many of them are beyond quota, in the roster's tables."""
    conn = await asyncpg.connect(place.database_url("bianban"))
    rows = await conn.fetch(
        "SELECT name, count(*) AS people, count(over_quota_cause) AS beyond FROM roster.units JOIN roster.placements ON unit_id = units.id"
        " WHERE name LIKE '望汐市测试%' AND name LIKE '%' || $1 GROUP BY name ORDER BY name",
        str(seed),
    )
    await conn.close()
    return [(row["name"], row["people"], row["beyond"]) for row in rows]


async def test_checking_is_the_default_and_writes_nothing(whole: Place, tmp_path: Path) -> None:
    code, said = bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 901)), "--user", OFFICER)

    assert code == 1
    assert "人员 第 5 行 公民身份号码：校验码不符" in said
    assert "没有写入任何数据" in said
    assert await people_of(whole, 901) == []


async def test_a_file_with_errors_is_not_written_by_yes_alone(whole: Place, tmp_path: Path) -> None:
    code, _ = bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 902)), "--user", OFFICER, "--yes")

    assert code == 1
    assert await people_of(whole, 902) == []


async def test_the_good_rows_go_in_when_told_to_and_the_same_file_again_changes_nothing(whole: Place, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", 903)
    expected = [("望汐市测试中心903", 2, 1), ("望汐市测试分中心903", 1, 0)]

    first = bianban(whole, "import", "roster", str(path), "--user", OFFICER, "--accept-valid")
    assert sorted(await people_of(whole, 903)) == sorted(expected)
    again = bianban(whole, "import", "roster", str(path), "--user", OFFICER, "--accept-valid")

    assert (first[0], again[0]) == (1, 1)
    assert "新单位 2 个，编制数 2 行，人员 3 人（其中超编待定性 1 人）" in first[1]
    assert "没有改动" in again[1]
    assert sorted(await people_of(whole, 903)) == sorted(expected)


async def test_neither_output_nor_report_of_the_command_names_a_person_or_a_number(whole: Place, tmp_path: Path) -> None:
    _, said = bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 904)), "--user", OFFICER)

    assert f"{BORN:%Y%m%d}" not in said
    assert "测试甲" not in said


async def test_who_may_not_load_is_told_so(whole: Place, tmp_path: Path) -> None:
    code, said = bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 905)), "--user", "school1.clerk")

    assert code == 1
    assert "没有“编办业务科”角色" in said


async def test_the_template_can_be_filled_in_and_read_back(whole: Place, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"

    code, _ = bianban(whole, "template", "roster", str(path), "--user", OFFICER)
    second, refused = bianban(whole, "template", "roster", str(path), "--user", OFFICER)
    empty, said = bianban(whole, "import", "roster", str(path), "--user", OFFICER)

    assert (code, second, empty) == (0, 1, 2)
    assert "已存在，未覆盖" in refused
    assert "没有数据行" in said

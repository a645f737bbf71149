"""An office's own files go in by `bianban import`: checked by default, written when told to, harmless when repeated, whole when a worker dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.city.catalogue import EDUCATION
from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER
from deploy.doors import Refused, doors_of
from deploy.imports import Importing
from deploy.local.place import PROJECT, Place
from deploy.local.stack import published
from services.roster.models.fields import SHEETS
from tests.e2e.command import bianban
from tests.imports.rows import Cells, person, unit
from tests.roster.importing import book
from tests.sheets import hostile

pytestmark = pytest.mark.asyncio(loop_scope="session")
BORN = date(1979, 5, 17)


def rows(seed: int, people: int = 4) -> dict[str, list[Cells]]:
    """The older workbook: two new units below one of the city; the last of its people has a wrong number."""
    inventor = Inventor(seed, first_sequence=400)
    born = BORN + timedelta(days=seed)
    numbers = [inventor.id_number(born, "F") for _ in range(people)]
    wrong = numbers[-1][:17] + ("1" if numbers[-1][17] != "1" else "2")
    upper, lower = f"望汐市测试中心{seed}", f"望汐市测试分中心{seed}"
    posts = {"编制类型": "事业编制", "经费形式": "全额拨款", "编制数": 1}
    units = [
        unit(单位名称=lower, 统一社会信用代码=inventor.uscc("12"), 主管部门=upper) | posts | {"编制数": 2},
        unit(单位名称=upper, 统一社会信用代码=inventor.uscc("12"), 主管部门=EDUCATION) | posts,
    ]
    persons = [person(单位=upper, 公民身份号码=each, 出生日期=born.isoformat()) for each in numbers[: people // 2]]
    persons += [person(单位=lower, 公民身份号码=each, 出生日期=born.isoformat()) for each in [*numbers[people // 2 : -1], wrong]]
    return {"单位": units, "人员": persons}


def workbook(path: Path, seed: int) -> Path:
    path.write_bytes(book(rows(seed)))
    return path


async def people_of(place: Place, seed: int) -> list[tuple[str, int, int]]:
    """Unit, people, and how many of them are beyond quota, in the roster's tables."""
    conn = await asyncpg.connect(place.database_url("bianban"))
    found = await conn.fetch(
        "SELECT name, count(*) AS people, count(over_quota_cause) AS beyond FROM roster.units JOIN roster.placements ON unit_id = units.id"
        " WHERE name LIKE '望汐市测试%' AND name LIKE '%' || $1 GROUP BY name ORDER BY name",
        str(seed),
    )
    await conn.close()
    return sorted((row["name"], row["people"], row["beyond"]) for row in found)


async def test_checking_is_the_default_and_writes_nothing(whole: Place, tmp_path: Path) -> None:
    code, said = await bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 901)), "--user", OFFICER)

    assert code == 1
    assert "人员 第 5 行 公民身份号码：校验码不符" in said
    assert "没有写入任何数据" in said
    assert await people_of(whole, 901) == []


async def test_a_file_with_errors_is_not_written_by_yes_alone(whole: Place, tmp_path: Path) -> None:
    code, _ = await bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 902)), "--yes", "--user", OFFICER)

    assert code == 1
    assert await people_of(whole, 902) == []


async def test_the_good_rows_go_in_when_told_to_and_the_same_file_again_changes_nothing(whole: Place, tmp_path: Path) -> None:
    path, report = workbook(tmp_path / "a.xlsx", 903), tmp_path / "report.xlsx"
    expected = sorted([("望汐市测试中心903", 2, 1), ("望汐市测试分中心903", 1, 0)])

    first = await bianban(whole, "import", "roster", str(path), "--accept-valid", "--report", str(report), "--user", OFFICER)
    assert await people_of(whole, 903) == expected
    again = await bianban(whole, "import", "roster", str(path), "--accept-valid", "--user", OFFICER)

    assert (first[0], again[0]) == (1, 1)
    assert "新单位 2 个，编制数 2 行，职数 0 行，人员 3 人（其中超编 1 人）" in first[1]
    assert "没有改动" in again[1]
    assert await people_of(whole, 903) == expected
    assert report.stat().st_size > 5_000


async def test_neither_output_nor_report_of_the_command_names_a_person_or_a_number(whole: Place, tmp_path: Path) -> None:
    _, said = await bianban(whole, "import", "roster", str(workbook(tmp_path / "a.xlsx", 904)), "--user", OFFICER)

    assert f"{BORN + timedelta(days=904):%Y%m%d}" not in said
    assert "测试甲" not in said


async def test_who_may_not_load_is_told_so(whole: Place, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.cli", "import", "roster", str(workbook(tmp_path / "a.xlsx", 905)), "--user", "school1.clerk"]
    done = await asyncio.to_thread(subprocess.run, command, env=whole.variables(), cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "没有“编办业务科”角色" in done.stdout + done.stderr


@pytest.mark.parametrize("kind", SHEETS)
async def test_each_template_can_be_read_back(whole: Place, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.xlsx"

    code, _ = await bianban(whole, "template", kind, str(path), "--user", OFFICER)
    second, refused = await bianban(whole, "template", kind, str(path), "--user", OFFICER)
    empty, said = await bianban(whole, "import", kind, str(path), "--user", OFFICER)

    assert (code, second, empty) == (0, 1, 0)
    assert "已存在，未覆盖" in refused
    assert "没有数据行" in said


async def test_a_hostile_file_is_refused_at_the_door_and_not_kept(whole: Place) -> None:
    async with doors_of(whole) as doors:
        before = (await doors.get(OFFICER, "roster", "/imports")).body["items"][:1]
        macro = hostile.with_parts(hostile.book(), {"xl/vbaProject.bin": b"x"})
        with pytest.raises(Refused, match="宏") as refused:
            await doors.upload(OFFICER, "roster", "/imports", {"file": ("a.xlsx", macro)}, kind="roster")
        after = (await doors.get(OFFICER, "roster", "/imports")).body["items"][:1]

    assert (refused.value.status, refused.value.code) == (409, "file_unreadable")
    assert before == after


async def test_a_worker_that_is_killed_while_it_writes_doubles_nothing_and_loses_nothing(whole: Place) -> None:
    """Forty units are on their way, in blocks; the roster's worker dies twice."""
    units = [each for seed in range(910, 930) for each in rows(seed, people=100)["单位"]]
    persons = [each for seed in range(910, 930) for each in rows(seed, people=100)["人员"][:-1]]
    async with doors_of(whole) as doors:
        importing = Importing(doors, OFFICER)
        found = await importing.check("roster", "a.xlsx", book({"单位": units, "人员": persons}))
        writing = asyncio.create_task(importing.write(found, accept_valid=True))
        killed: list[int] = []
        for done in (2, 15):
            while (seen := (await doors.get(OFFICER, "roster", f"/imports/{found['id']}")).body)["units_done"] < done:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert seen["units_done"] < 40
            killed.append(await _worker(whole, killed))
            os.kill(killed[-1], signal.SIGKILL)
        written = await writing

    assert found["errors"] == 0
    assert (written["units_done"], written["refused"]) == (40, [])
    assert (written["written"]["units"], written["written"]["persons"]) == (40, 99 * 20)
    standing = [each for seed in range(910, 930) for each in await people_of(whole, seed)]
    assert sum(people for _, people, _ in standing) == 99 * 20


async def _worker(whole: Place, killed: Collection[int]) -> int:
    """The process of the roster's worker, which may just be starting again; whose place has not yet been told may be one of those killed."""
    for _ in range(600):
        worker = next(each.pid for each in published(whole) if each.name == "roster-worker")
        if worker and worker not in killed:
            return worker
        await asyncio.sleep(0.1)
    raise AssertionError("the roster's worker did not come back")


async def test_who_watches_is_told_each_step_once_and_goes_on_where_he_was(whole: Place) -> None:
    async with doors_of(whole) as doors, httpx.AsyncClient(trust_env=False) as client:
        answer = await doors.upload(OFFICER, "roster", "/imports", {"file": ("a.xlsx", book(rows(940)))}, kind="roster")
        token = doors._signer.issue(await doors.who(OFFICER), doors.clock.now() - doors.clock.offset())
        url = f"http://127.0.0.1:{whole.port('roster')}/imports/{answer.body['import_id']}/progress"
        heard = (await client.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)).text
        steps = [int(line[4:]) for line in heard.splitlines() if line.startswith("id: ")]
        again = await client.get(url, headers={"Authorization": f"Bearer {token}", "Last-Event-ID": str(steps[-1])}, timeout=30)
        missed = await client.get(url, headers={"Authorization": f"Bearer {token}", "Last-Event-ID": str(steps[-1] - 1)}, timeout=30)

    assert steps == sorted(set(steps))
    assert '"state":"import_checked"' in heard
    assert again.status_code == 204
    assert missed.text.count("event: progress") == 1

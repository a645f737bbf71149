"""The register goes up and comes back by the command line: nothing differs, and what is changed on the way is found by the running system.

It stands before the stories of the pages, which put names onto the roster that no register may have.
"""

from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from deploy.demo.city import OFFICER
from deploy.doors import doors_of
from deploy.local.place import Place
from tests.e2e.command import bianban
from tests.roster.importing import book

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_handed_up_and_brought_back_nothing_differs_and_a_change_is_found(whole: Place, tmp_path: Path) -> None:
    handed = tmp_path / "上报.xlsx"
    code, said = await bianban(
        whole, "export", "provincial", "--user", OFFICER, "--out", str(handed), "--unmasked", "--reason", "向上级实名制系统报送"
    )
    assert code == 0, said

    code, said = await bianban(whole, "import", "provincial", "--user", OFFICER, str(handed))

    assert (code, "新发现 0，重新核实 0，仍未一致 0" in said) == (0, True), said
    rows = CalamineWorkbook.from_path(handed).get_sheet_by_name("人员信息").to_python()
    first = dict(zip((str(each) for each in rows[1]), rows[2], strict=True))
    changed = tmp_path / "上级.xlsx"
    person = {name: str(first[name]) for name in ("姓名", "公民身份号码", "所在机构")} | {"毕业院校": "示例大学甲"}
    changed.write_bytes(book({"人员信息": [person]}))
    code, said = await bianban(whole, "import", "provincial", "--user", OFFICER, str(changed))
    assert (code, "未作比对" in said) == (2, True), said  # one unit of many, and nobody said so
    code, said = await bianban(whole, "import", "provincial", "--user", OFFICER, str(changed), "--whole")
    assert (code, "bianban export differences --filter run=" in said) == (1, True), said
    async with doors_of(whole) as doors:
        (found,) = (await doors.get(OFFICER, "roster", "/differences", field="school")).body["items"]
    assert (found["name"], found["theirs"], found["leads"]) == (person["姓名"], "示例大学甲", "ours")
    assert person["公民身份号码"] not in said

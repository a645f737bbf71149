"""The office's own setting of the leading sides: checked at the start, kept as it was first used, recorded with each comparison."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.local.place import Place, WrongPlace
from services.roster.app import create_app
from services.roster.commands.comparison_runs import compare_registers
from services.roster.models.comparisons import LeadsChanged
from services.roster.queries import comparisons as queries
from services.roster.queries.comparison_facts import OwnLeads, own_leads_of
from services.roster.queries.exports.provincial import FOLDER
from services.roster.rules.leads import LeadsWrong
from shared.glossary import LeadingSide
from tests.roster.comparing import Upper
from tests.roster.doors import Doors
from tests.roster.importing import OFFICER, book

OURS = (FOLDER / "leads" / "2026.toml").read_text(encoding="utf-8")
OWN = OURS.replace('version = "2026"', 'version = "hn1"').replace('theirs = [\n    "ethnicity",', 'theirs = [\n    "grade", "ethnicity",')


def written(folder: Path, text: str = OWN) -> Path:
    file = folder / "leads.toml"
    file.write_text(text, encoding="utf-8")
    return file


def own(folder: Path, text: str = OWN) -> OwnLeads:
    found = own_leads_of(written(folder, text))
    assert found is not None
    return found


async def compared(upper: Upper, **more: Any) -> queries.ComparisonView:
    run_id = await upper.bring(**more)
    await compare_registers(upper.database, upper.cipher, upper.desk.imports.clock, run_id)
    async with upper.database.reading() as conn:
        return await queries.comparison_view(conn, run_id, OFFICER)


@pytest.mark.asyncio
async def test_a_comparison_follows_the_offices_own_setting_and_records_its_version(upper: Upper, tmp_path: Path) -> None:
    setting = OWN.replace('"ethnicity",', "")
    upper.people[0]["民族"] = "回族"

    first = await compared(upper)
    sides = [each.leads for each in await upper.differences()]
    second = await compared(upper, own=own(tmp_path, setting))

    assert (first.leads, second.leads, sides) == ("2026", "hn1", [LeadingSide.THEIRS])
    assert [each.leads for each in await upper.differences()] == [LeadingSide.OURS]


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The roster is started with the office's own setting."""
    monkeypatch.setenv("ROSTER_LEADS_FILE", str(written(tmp_path)))


@pytest.mark.asyncio
@pytest.mark.usefixtures("named")
async def test_who_brings_a_file_is_compared_by_the_setting_the_roster_was_started_with(doors: Doors, upper: Upper) -> None:
    brought = await doors.http.post(
        "/comparisons", files={"file": ("上级.xlsx", book(upper.sheets))}, data={"whole": "true"}, headers=doors.office
    )

    found = await doors.http.get(f"/comparisons/{brought.json()['run_id']}", headers=doors.office)
    assert (brought.status_code, found.json()["leads"]) == (202, "hn1")


@pytest.mark.asyncio
async def test_a_version_that_was_used_is_not_changed_and_outlives_its_file(upper: Upper, tmp_path: Path) -> None:
    waiting = await upper.bring(own=own(tmp_path))
    reworded = own(tmp_path, "# 只改了说明\n" + OWN)
    other = own(tmp_path, OWN.replace('"grade", ', ""))
    (tmp_path / "leads.toml").unlink()

    with pytest.raises(LeadsChanged) as refused:
        await upper.bring(own=other)
    again = await compared(upper, own=reworded)
    await compare_registers(upper.database, upper.cipher, upper.desk.imports.clock, waiting)

    assert "版本 hn1" in str(refused.value)
    assert again.leads == "hn1"
    async with upper.database.reading() as conn:
        assert (await queries.comparison_view(conn, waiting, OFFICER)).state == again.state


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OURS, "是系统自带设置的版本号"),
        ("version = \n", "不是有效的 TOML（第 1 行附近）"),
        (OWN.replace("[sheets.seats]", "[sheets.chairs]"), "sheets.seats：缺少这一部分；sheets.chairs：没有这一类表"),
        (OWN.replace('blank = ["posts"]', 'blank = ["heads"]'), "sheets.quotas.blank：没有可比对的项目 heads"),
        (OWN.replace('ask = ["id_number",', 'ask = ["id_number", "grade",'), "项目 grade 写在不止一方"),
        (OWN.replace('missing_there = "ours"', 'missing_there = "nobody"', 1), "sheets.units.missing_there：只能是"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_wrong(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(LeadsWrong) as wrong:
        own_leads_of(written(tmp_path, text))

    assert said in str(wrong.value)


@pytest.mark.parametrize("path", ["/nosuch/leads.toml", "leads.toml"])
def test_neither_the_stack_nor_the_roster_starts_with_a_setting_that_is_not_there(
    path: str, stack: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.variables("roster").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROSTER_LEADS_FILE", path)

    with pytest.raises(LeadsWrong, match="ROSTER_LEADS_FILE"):
        create_app()
    failed = CliRunner().invoke(cli.app, ["up", "--city", "none"]).exception

    assert isinstance(failed, WrongPlace)
    assert "ROSTER_LEADS_FILE" in str(failed)


def test_the_part_of_the_stack_that_reads_it_is_told_where_it_is(stack: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTER_LEADS_FILE", "/etc/leads.toml")

    assert stack.variables("roster")["ROSTER_LEADS_FILE"] == "/etc/leads.toml"

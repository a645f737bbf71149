"""What `bianban import` tells of a written file: loans are counted, and those that were refused at the writing are named."""

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy import cli, imports
from deploy.imports import Importing, _print_written, _say_how_to_write
from deploy.local.place import Place
from services.roster.models.imports import NOT_LENT

NOTHING = dict.fromkeys(("units", "quotas", "seats", "persons", "over_quota", "changed", "loans"), 0)
FOUND = {"id": "1", "sheets": {"roster": {"same": 3}}}
REFUSED = {
    "sheet": "人员",
    "row": 250,
    "column": "借出单位",
    "sentence": f"{NOT_LENT}这个人员已不在该单位。",
    "warning": True,
    "at_writing": True,
}


class Doors:
    """Two findings, one of them a loan that was refused."""

    async def pages(self, *_: str) -> Any:
        return [REFUSED | {"at_writing": False}, REFUSED]


def told(capsys: pytest.CaptureFixture[str], loans: int, not_lent: list[dict[str, Any]]) -> str:
    _print_written(FOUND, {"written": NOTHING | {"loans": loans}, "refused": [], "left": "", "state": "import_applied"}, not_lent)
    return capsys.readouterr().out


def test_a_file_that_changes_only_loans_is_not_said_to_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert "借调 2 项" in told(capsys, 2, [])
    assert "没有要写入的内容" in told(capsys, 0, [])


def test_a_file_of_wrong_rows_alone_is_not_said_to_stand_in_the_roster(capsys: pytest.CaptureFixture[str]) -> None:
    found = {"id": "1", "sheets": {"roster": {"same": 0, "wrong": 2}}}

    _print_written(found, {"written": NOTHING, "refused": [], "left": "", "state": "import_applied"}, [])

    assert capsys.readouterr().out == "没有写入任何内容：2 行有错误。请改正后重新导入。\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [({"same": 3}, "3 行名册中都已有，没有要写入的内容。"), ({"left_out": 3}, "文件中没有要写入的行。"), ({}, "文件中没有要写入的行。")],
)
def test_a_file_that_would_change_nothing_says_so(rows: dict[str, int], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    sheets = {"roster": dict.fromkeys(("added", "changed", "same", "wrong", "left_out"), 0) | rows}

    _say_how_to_write("bianban import", {"errors": 0, "sheets": sheets})
    _print_written({"sheets": sheets}, {"written": NOTHING, "refused": [], "left": "", "state": "import_applied"}, [])

    assert capsys.readouterr().out == f"以上只是核对，没有写入任何数据。{said}\n{said}\n"


def test_of_a_cancelled_writing_is_told_how_the_rest_comes_in(capsys: pytest.CaptureFixture[str]) -> None:
    done = {"written": NOTHING, "refused": [], "left": "其余没有写入。把同一文件再导入一次。", "state": "import_cancelled"}

    _print_written(FOUND, done, [])

    assert capsys.readouterr().out == "没有写入任何内容。\n其余没有写入。把同一文件再导入一次。\n"


class Imported:
    """A file that was found good, and what became of it at the writing."""

    def __init__(self, done: dict[str, Any]) -> None:
        self.done = done
        self.sheets = {"roster": {"title": "人员", "added": 2, "changed": 0, "same": 0, "wrong": 0, "left_out": 0}}

    async def check(self, *_: Any, **__: Any) -> Any:
        return FOUND | {"state": "import_checked", "note": "", "errors": 0, "warnings": 0, "sheets": self.sheets}

    async def problems(self, *_: Any) -> list[dict[str, Any]]:
        return []

    async def give_up(self, *_: Any) -> None:
        pass

    changes = problems

    async def write(self, *_: Any, **__: Any) -> Any:
        return {"written": NOTHING, "refused": [], "left": "", "state": "import_applied", "warnings": 0} | self.done

    async def not_lent(self, _: Any, done: Any) -> list[dict[str, Any]]:
        return [REFUSED] if done["warnings"] else []


class There:
    """Doors of which nothing is asked but whether they are there."""

    async def ensure_there(self, _: str) -> None:
        pass


@asynccontextmanager
async def no_doors(_: Place) -> AsyncIterator[There]:
    yield There()


@pytest.mark.parametrize(
    ("done", "code"),
    [
        ({}, 0),
        ({"written": NOTHING | {"persons": 2}}, 0),
        ({"refused": [{"name": "测试单位", "sentence": "单位已撤销。"}]}, 1),
        ({"state": "import_cancelled", "left": "其余没有写入"}, 1),
        ({"warnings": 1}, 1),
    ],
    ids=["nothing to write", "written", "a unit refused", "cancelled", "a loan refused"],
)
def test_what_was_not_written_is_told_by_the_exit_code(
    done: dict[str, Any], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind(monkeypatch, done)
    (tmp_path / "a.csv").write_text("x")

    assert CliRunner().invoke(cli.app, ["import", "roster", str(tmp_path / "a.csv"), "--yes"]).exit_code == code


def test_the_command_that_writes_can_be_pasted_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behind(monkeypatch, {})
    file = tmp_path / "名册 (1).csv"
    file.write_text("x")

    said = CliRunner().invoke(cli.app, ["import", "roster", str(file)]).output

    assert shlex.split(said.split("写入：")[1]) == ["bianban", "import", "roster", str(file), "--user", "officer", "--yes"]


def behind(monkeypatch: pytest.MonkeyPatch, done: dict[str, Any]) -> None:
    """The file is looked at by nobody; this came of it."""

    async def officer(*_: object) -> str:
        return "officer"

    monkeypatch.setattr(imports, "doors_of", no_doors)
    monkeypatch.setattr(imports, "officer", officer)
    monkeypatch.setattr(imports, "Importing", lambda *_: Imported(done))


@pytest.mark.asyncio
async def test_a_loan_that_was_refused_at_the_writing_is_named_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    importing, found = Importing(Doors(), "a"), {"id": "1", "warnings": 1}  # type: ignore[arg-type]
    not_lent = await importing.not_lent(found, found | {"warnings": 2})

    assert not_lent == [REFUSED]
    assert not await importing.not_lent(found, found), "nothing was found at the writing"
    said = told(capsys, 0, not_lent)
    assert "人员 第 250 行：借调未登记" in said
    assert "没有要写入的内容" not in said

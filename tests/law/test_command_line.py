"""`bianban law` and `bianban calendar`: columns kept, answers filled in, bad rows on their own."""

import csv
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.law import app, calendar_app

VECTORS = Path(__file__).parent / "vectors"
NOTICE_2027 = "date,kind,holiday,source\n2027-01-01,OFF,元旦,x\n2027-01-04,OFF,元旦,x\n2027-05-03,OFF,劳动节,x\n2027-10-01,OFF,国庆节,x\n"


def answers(command: str, text: str, home: Path | None = None) -> list[dict[str, str]]:
    result = CliRunner().invoke(app, [command], input=text, env={"BIANBAN_HOME": str(home)} if home else {})
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.mark.parametrize(
    ("command", "file", "asked"),
    [
        ("retirement", "retirement_vectors.csv", ["sex", "category", "birth_ym"]),
        ("deadline", "deadline_vectors.csv", ["start_date", "working_days"]),
    ],
)
def test_the_questions_of_the_vectors_bring_back_their_answers(command: str, file: str, asked: list[str], tmp_path: Path) -> None:
    vectors = list(csv.DictReader((VECTORS / file).open(encoding="utf-8")))
    questions = "\n".join([",".join(asked), *(",".join(row[name] for name in asked) for row in vectors)])

    rows = answers(command, questions, tmp_path)

    assert [{name: row[name] for name in vectors[0]} for row in rows] == vectors
    assert {row["error"] for row in rows} == {""}


def test_a_bad_row_gets_its_own_error_and_the_others_go_on() -> None:
    rows = answers("retirement", "sex,category,birth_ym,note\nM,M60,1965-13,甲\nM,M60,1965-01,乙\nF,SPECIAL,1975-03,丙\n")

    assert [(row["note"], row["retire_ym"], bool(row["error"])) for row in rows] == [
        ("甲", "", True),
        ("乙", "2025-02", False),
        ("丙", "", True),
    ]


def test_the_sex_may_be_written_as_the_office_writes_it_and_what_it_may_be_is_said() -> None:
    rows = answers("retirement", "sex,category,birth_ym\n男,M60,1965-01\n女,F50,1975-01\n先生,M60,1965-01\nM,M6,1965-01\n")

    assert [row["sex"] for row in rows] == ["男", "女", "先生", "M"]
    assert [row["error"] for row in rows] == ["", "", "sex 应为 M、F、男、女", "category 应为 M60、F55、F50、SPECIAL"]
    assert rows[0]["retire_ym"] == "2025-02"


def test_a_short_row_is_an_error_of_its_own() -> None:
    rows = answers("deadline", "start_date,working_days\n2026-09-18\n2026-09-18,1\n")

    assert [(row["due_date"], bool(row["error"])) for row in rows] == [("", True), ("2026-09-20", False)]


def test_a_date_beyond_the_published_calendar_is_marked_until_its_notice_is_loaded(tmp_path: Path) -> None:
    notice = tmp_path / "notice.csv"
    notice.write_text(NOTICE_2027, encoding="utf-8")
    question = "start_date,working_days\n2026-12-30,2\n"

    before = answers("deadline", question, tmp_path)
    loaded = [CliRunner().invoke(calendar_app, ["load", str(notice)], env={"BIANBAN_HOME": str(tmp_path)}) for _ in range(2)]
    after = answers("deadline", question, tmp_path)

    assert [result.exit_code for result in loaded] == [0, 0]
    assert loaded[0].output == loaded[1].output
    assert [(row["due_date"], row["provisional"]) for row in before + after] == [("2027-01-04", "provisional"), ("2027-01-05", "")]


def test_a_bad_notice_is_refused_row_by_row_and_changes_nothing(tmp_path: Path) -> None:
    notice = tmp_path / "notice.csv"
    notice.write_text("date,kind\n2027-01-04,WORK\n2027-02-30,OFF\n", encoding="utf-8")

    result = CliRunner().invoke(calendar_app, ["load", str(notice)], env={"BIANBAN_HOME": str(tmp_path)})

    assert result.exit_code == 1
    assert "第 2 行" in result.output
    assert "第 3 行" in result.output
    assert not (tmp_path / "calendar").exists()


def test_numbers_are_checked_row_by_row() -> None:
    people = answers("check-id", "﻿公民身份号码\n330499196501150013\n330499650115001\n")
    units = answers("check-uscc", "uscc\n12330481123456788F\n12330481123456788G\n91330481123456788B\n")

    assert [(row["valid"], row["birth_date"], row["sex"]) for row in people] == [("true", "1965-01-15", "M"), ("false", "", "")]
    assert [(row["valid"], bool(row["warning"]), bool(row["error"])) for row in units] == [
        ("true", False, False),
        ("false", False, True),
        ("true", True, False),
    ]


def test_a_missing_column_is_named() -> None:
    result = CliRunner().invoke(app, ["deadline"], input="start,days\n")

    assert result.exit_code == 2
    assert "start_date" in result.output

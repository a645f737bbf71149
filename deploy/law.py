"""`bianban law …` and `bianban calendar …`: the statute book on the command line, CSV in and CSV out.

Every input column is kept, the answer columns are filled in, and a bad row carries its own error while the others go on.
"""

import csv
import sys
from collections.abc import Callable
from datetime import date
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO, TypeVar

import typer

from deploy.local.place import PROJECT
from shared.law.citizen_id import parse_citizen_id
from shared.law.notices import COLUMNS, InvalidNotice, NoticeDay, load_calendar, notice_files, read_notice, years_of
from shared.law.retirement import Category, CategoryMismatch, Sex, YearMonth, retirement
from shared.law.uscc import parse_uscc
from shared.law.working_days import Calendar

app = typer.Typer(help="法定规则计算：标准输入 CSV，标准输出 CSV", no_args_is_help=True)
calendar_app = typer.Typer(help="节假日日历", no_args_is_help=True)

Home = Annotated[Path, typer.Option(envvar="BIANBAN_HOME", help="数据目录", show_default=False)]
_HOME = PROJECT / ".local"
Row = dict[str, str]
Choice = TypeVar("Choice", Sex, Category)
_WORDS = {"男": Sex.MALE.value, "女": Sex.FEMALE.value}
_ALSO_CALLED = {"id": "公民身份号码", "uscc": "统一社会信用代码"}


@app.command("retirement")
def retirement_months() -> None:
    """法定退休月份。输入列 sex（M/F 或 男/女）、category（M60/F55/F50/SPECIAL）、birth_ym（YYYY-MM）。"""
    _answer(("sex", "category", "birth_ym"), ("retire_age_years", "retire_age_months", "retire_ym"), _retirement_row)


@app.command("deadline")
def deadlines(home: Home = _HOME) -> None:
    """工作日期限：只计数，起算日不计入。输入列 start_date、working_days；超出已公布节假日安排的结果标 provisional。"""
    calendar = load_calendar(notice_files(_folder(home)))
    _answer(("start_date", "working_days"), ("due_date", "provisional"), lambda row: _deadline_row(row, calendar))


@app.command("check-id")
def check_id() -> None:
    """公民身份号码校验。输入列 id（或“公民身份号码”，或只有一列）。"""
    _answer(("id",), ("valid", "birth_date", "sex"), _citizen_row)


@app.command("check-uscc")
def check_uscc() -> None:
    """统一社会信用代码校验。输入列 uscc（或“统一社会信用代码”，或只有一列）。"""
    _answer(("uscc",), ("valid", "warning"), _uscc_row)


@calendar_app.command("load")
def calendar_load(file: Annotated[Path, typer.Argument(help="节假日安排的 CSV 文件。")], home: Home = _HOME) -> None:
    """装入新一年的节假日安排，运行中的案件随即重新计算期限。CSV 列 date、kind（OFF/WORK）、holiday、source；可重复执行。"""
    try:
        days = read_notice(file.read_text(encoding="utf-8-sig"))
    except (InvalidNotice, OSError, UnicodeDecodeError) as error:
        for problem in error.problems if isinstance(error, InvalidNotice) else (f"文件无法读取：{error}",):
            typer.echo(problem, err=True)
        raise typer.Exit(1) from None
    years = sorted(years_of(days))
    if not years:
        typer.echo("文件只有 12 月的日期，无法判断属于哪一年的安排", err=True)
        raise typer.Exit(1)
    for year in years:
        _store(_folder(home) / f"{year}.csv", [each for each in days if _notice_year(each, years) == year])
        typer.echo(f"{year} 年节假日安排已装入")
    typer.echo(f"日历版本 {load_calendar(notice_files(_folder(home))).version}")


@calendar_app.callback()
def _calendar_group() -> None:
    """A group of its own, so that `calendar load` keeps its name while it is the only command."""


def _folder(home: Path) -> Path:
    return home / "calendar"


def _notice_year(each: NoticeDay, years: list[int]) -> int:
    return each.day.year if each.day.year in years else each.day.year + 1


def _store(path: Path, days: list[NoticeDay]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *(each.as_row() for each in days)])
    fresh.replace(path)


def _retirement_row(row: Row) -> Row:
    sex, category = _one_of(Sex, row, "sex"), _one_of(Category, row, "category")
    try:
        found = retirement(_month(row["birth_ym"]), sex, category)
    except CategoryMismatch:
        raise ValueError(f"性别 {sex.value} 没有退休类别 {category.value}") from None
    if found.month is None or found.age is None:
        raise ValueError(f"特殊群体：法律未定单一月份，在 {found.earliest} 至 {found.latest} 之间，以批准文件为准")
    years, months = found.age
    return {"retire_age_years": str(years), "retire_age_months": str(months), "retire_ym": str(found.month)}


def _one_of(choices: type[Choice], row: Row, column: str) -> Choice:
    said = row[column].strip().upper()
    try:
        return choices(_WORDS.get(said, said))
    except ValueError:
        codes = [each.value for each in choices]
        words = [word for word, code in _WORDS.items() if code in codes]
        raise ValueError(f"{column} 应为 {'、'.join(codes + words)}") from None


def _month(text: str) -> YearMonth:
    try:
        return YearMonth.parse(text.strip())
    except ValueError:
        raise ValueError("birth_ym 应写作 YYYY-MM") from None


def _deadline_row(row: Row, calendar: Calendar) -> Row:
    try:
        start = date.fromisoformat(row["start_date"].strip())
    except ValueError:
        raise ValueError("start_date 应写作 YYYY-MM-DD") from None
    text = row["working_days"].strip()
    if not (text.isdecimal() and 1 <= int(text) <= 10_000):
        raise ValueError("working_days 应为 1 至 10000 的整数")
    term = calendar.add_working_days(start, int(text))
    return {"due_date": term.due_on.isoformat(), "provisional": "provisional" if term.provisional else ""}


def _citizen_row(row: Row) -> Row:
    found = parse_citizen_id(row["id"])
    return {"valid": "true", "birth_date": found.born_on.isoformat(), "sex": found.sex.value}


def _uscc_row(row: Row) -> Row:
    return {"valid": "true", "warning": parse_uscc(row["uscc"]).warning}


def _answer(needed: tuple[str, ...], answers: tuple[str, ...], answer: Callable[[Row], Row]) -> None:
    """Read rows, answer each, write it. An input that carries the answer columns already gets them anew."""
    reader = csv.DictReader(_input())
    columns = [name for name in reader.fieldnames or () if name]
    found = {name: _column(name, columns) for name in needed}
    blank = dict.fromkeys((*answers, "error"), "")
    writer = csv.DictWriter(sys.stdout, list(dict.fromkeys((*columns, *blank))), lineterminator="\n")
    writer.writeheader()
    for row in reader:
        kept = {name: row[name] or "" for name in columns}
        writer.writerow(kept | blank | _answered(answer, {name: kept[column] for name, column in found.items()}, answers))


def _answered(answer: Callable[[Row], Row], row: Row, answers: tuple[str, ...]) -> Row:
    try:
        return answer(row)
    except (ValueError, OverflowError) as error:
        return {"error": str(error)} | ({"valid": "false"} if "valid" in answers else {})


def _column(name: str, columns: list[str]) -> str:
    """The column that holds this input: by its name, its Chinese name, or as the only one."""
    for each in (name, _ALSO_CALLED.get(name)):
        if each in columns:
            return each
    if name in _ALSO_CALLED and len(columns) == 1:
        return columns[0]
    typer.echo(f"表头缺少列：{name}", err=True)
    raise typer.Exit(2)


def _input() -> TextIO:
    """Standard input: UTF-8 with or without the mark that spreadsheets put in front, or GB18030 as a Chinese Windows writes it."""
    written = sys.stdin.buffer.read()
    try:
        text = written.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = written.decode("gb18030", errors="replace")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return StringIO(text, newline="")

"""`bianban` speaks Chinese to whoever types: each help page, and each way to type it wrong."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import pytest
import typer
from rich.console import Console
from typer._click.core import Command, Context
from typer.core import TyperGroup
from typer.testing import CliRunner

from deploy import cli, person
from deploy.local import secret_files
from deploy.local.place import WrongPlace

SENTENCE = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}|[A-Z][a-z]+ [a-z]+")
"""Three English words in a row, or a capital one and another. What is typed and what a value is called (CODE) is no sentence."""
CODE = re.compile(r"<[^>]*>|bianban(?: [a-z-]+)*")

WRONG = {
    "nosuch": "没有命令 'nosuch'。",
    "upp": "没有命令 'upp'。是否想用 'up'？",
    "up --nosuch": "没有选项 --nosuch。",
    "up --dat 1": "没有选项 --dat。相近的有：--date。",
    "up extra": "多写了参数：extra。",
    "up --date x": "'--date' 的值不正确：'x' 不是所要的日期格式 '%Y-%m-%d'。",
    "up --city xx": "--city 的值不正确：只能是 demo 或 none",
    "up --foreground=3": "选项 '--foreground' 后面不写值。",
    "logs": "缺少参数 'part'。",
    "logs -n": "选项 '-n' 后面须写一个值。",
    "logs -n x kafka": "'-n' 的值不正确：应为整数。",
    "logs -n -1 kafka": "'-n' 的值不正确：不能小于 0。",
    "token somebody --minutes 99": "'--minutes' 的值不正确：不能大于 15。",
    "token somebody --minutes x": "'--minutes' 的值不正确：应为数字。",
    "clock advance --days 3 --to x": "'--to' 的值不正确：'x' 不是所要的日期格式 '%Y-%m-%d', '%Y-%m-%d %H:%M', '%Y-%m-%dT%H:%M'。",
    "clock nosuch": "没有命令 'nosuch'。",
    "case export x": "缺少选项 '--user'。",
    "identity load /nosuch": "'file' 的值不正确：没有文件 '/nosuch'。",
    "identity load /": "'file' 的值不正确：'/' 是文件夹，应为文件。",
    "person requests 某人 --user x": "'person' 的值不正确：应为编号，请从查询结果中完整复制。",
    "template roster 人员.xls": "FILE 的值不正确：文件名须以 .xlsx 结尾",
    "export units": "缺少选项 '--out'：请写明写到哪里 (*.xlsx 或 *.csv)。",
    "import foo x.csv": "provincial（与上级实名制系统比对，不写入名册）",
    "dead-letters replay roster": "请写明一个消息键，或用 --all，二者取一。",
    "city load": "装入文件夹时写明文件夹，装入全省规模时不写。",
    "export units --out 单位.pdf": "--out 的值不正确：文件名须以 .xlsx 或 .csv 结尾，或用 --format 写明格式",
    "dead-letters drop roster x": "缺少选项 '--reason'。",
    "dead-letters drop roster x --reason=": "--reason 的值不正确：事由不能为空",
    "dead-letters pass roster roster roster.events 0 7": "缺少选项 '--reason'。",
    "dead-letters drop nosuch x": "'service' 的值不正确：'nosuch' 不在可选值",
}


def said(arguments: list[str]) -> tuple[int, str]:
    result = CliRunner().invoke(
        cli.app, arguments, prog_name="bianban", terminal_width=400, env={"TERMINAL_WIDTH": "400", "COLUMNS": "400"}
    )
    return result.exit_code, result.output


def commands(command: Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, TyperGroup):
        context = Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert isinstance(found, Command)
            yield from commands(found, (*path, name))


def found(command: Command, path: tuple[str, ...]) -> Command:
    for name in path:
        assert isinstance(command, TyperGroup)
        inner = command.get_command(Context(command), name)
        assert isinstance(inner, Command)
        command = inner
    return command


def english(text: str) -> list[str]:
    return SENTENCE.findall(CODE.sub("", text))


@pytest.mark.parametrize(
    ("content", "where"),
    [("nojson", "内容不是 JSON 列表"), ('[{"name": "x"}]', "第 1 个账号的 real_name"), ("[1]", "第 1 个账号")],
)
def test_a_file_of_accounts_that_is_none_is_told_where(content: str, where: str, tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(content)

    failed = CliRunner().invoke(cli.app, ["identity", "load", str(file)]).exception

    assert isinstance(failed, WrongPlace)
    assert where in str(failed)
    assert english(re.sub(r"/\S+", "", str(failed))) == []


@pytest.mark.parametrize("line", ["template roster", "export units --out list.xlsx", "import roster {file}"])
def test_where_nothing_runs_one_is_told_how_to_start_it(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets").mkdir()
    for name in ("identity.db", "token.pub", "token.key"):
        secret_files.write(tmp_path / "secrets" / name, "x")
    (tmp_path / "a.csv").write_text("x")
    monkeypatch.setenv("BIANBAN_HOME", str(tmp_path))
    monkeypatch.setenv("BIANBAN_PORT_OFFSET", "30000")
    monkeypatch.chdir(tmp_path)

    failed = CliRunner().invoke(cli.app, line.format(file=tmp_path / "a.csv").split()).exception

    assert isinstance(failed, WrongPlace)
    assert str(failed) == "数据库没有应答。请先运行 bianban up。"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import roster a.csv --report nosuch/b.xlsx", "没有文件夹 nosuch。请核对路径。"),
        ("city load nosuch", "nosuch 中没有 units.xlsx。请写 bianban city generate 写出的文件夹。"),
        ("city generate --out a.csv", "不能读写 a.csv。请核对它是否存在、是否可读写，再重试。"),
    ],
)
def test_a_place_that_cannot_be_read_or_written_is_told_before_any_work(
    line: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("x")
    monkeypatch.setenv("BIANBAN_HOME", str(tmp_path))
    monkeypatch.setenv("BIANBAN_PORT_OFFSET", "30000")
    monkeypatch.chdir(tmp_path)

    failed = CliRunner().invoke(cli.app, line.split()).exception

    assert (type(failed), str(failed)) == (WrongPlace, told)


@pytest.mark.parametrize("command", ["", "import", "export", "up"])
def test_no_help_page_leaves_anything_out_in_a_narrow_window(command: str) -> None:
    result = CliRunner().invoke(cli.app, [*command.split(), "--help"], prog_name="bianban", env={"TERMINAL_WIDTH": "80", "COLUMNS": "80"})

    assert result.exit_code == 0
    assert "…" not in result.output.replace("“……", "")


def test_every_help_page_is_in_chinese() -> None:
    paths = list(commands(typer.main.get_command(cli.app)))
    pages = {" ".join(path): said([*path, "--help"]) for path in paths}

    assert len(pages) > 25
    assert {code for code, _ in pages.values()} == {0}
    assert {path: words for path, (_, page) in pages.items() if (words := english(page))} == {}


def test_every_argument_and_option_says_what_it_is() -> None:
    everything = typer.main.get_command(cli.app)
    silent = [
        (*path, each.name) for path in commands(everything) for each in found(everything, path).params if not getattr(each, "help", "")
    ]

    assert silent == []


def test_who_deletes_everything_is_told_what_that_is() -> None:
    assert "包括密钥" in said(["clean", "--help"])[1]


@pytest.mark.parametrize("line", WRONG)
def test_what_is_typed_wrong_is_explained_in_chinese(line: str) -> None:
    code, text = said(line.split())

    assert code == 2
    assert WRONG[line] in text
    assert english(text) == []


def test_what_a_person_asked_is_listed_with_its_answer_in_a_narrow_window(monkeypatch: pytest.MonkeyPatch) -> None:
    request = {
        "request_id": str(UUID(int=7)),
        "kind": "correction",
        "fields": ["出生日期", "籍贯"],
        "received_at": "2026-10-08T01:00:00+00:00",
    }
    answered = {"due_on": "2026-11-07", "outcome": "refused", "ground": "《个人信息保护法》第四十六条", "answer": "档案所载与登记一致"}
    monkeypatch.setattr(person, "at_doors", lambda _: SimpleNamespace(body={"items": [request | answered]}))
    monkeypatch.setattr(person, "console", Console(highlight=False, soft_wrap=True, width=80))

    result = CliRunner().invoke(cli.app, ["person", "requests", str(UUID(int=7)), "--user", "officer"])

    cells = zip(*(line.split("│")[1:-1] for line in result.output.splitlines() if "│" in line), strict=True)
    told = ["".join(part.strip() for part in column) for column in cells]
    assert told == [
        str(UUID(int=7)),
        "2026-10-082026-11-07",
        "更正（出生日期、籍贯）",
        "不予办理档案所载与登记一致《个人信息保护法》第四十六条",
    ]


@pytest.mark.parametrize("failed", [asyncpg.UndefinedTableError("nosuch"), asyncpg.UndefinedColumnError("nosuch")])
def test_a_database_behind_the_program_is_told_so(
    failed: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask() -> None:
        raise failed

    monkeypatch.setattr(cli, "app", ask)
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert "请先运行 bianban migrate" in capsys.readouterr().err


def test_any_other_failure_keeps_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> None:
        raise asyncpg.UniqueViolationError("twice")

    monkeypatch.setattr(cli, "app", ask)
    with pytest.raises(asyncpg.UniqueViolationError):
        cli.main()

"""`bianban codes …`: the code tables of a day, and the office's own codes, added from a file and ended one by one, over the roster's door."""

import csv
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Column

from deploy.doors import Doors, at_doors
from deploy.imports import officer
from deploy.local.place import WrongPlace
from deploy.tables import Table
from services.roster.models.codes import CLOSED, TITLES, AddCodes
from services.roster.queries.codes import AddedCode, Code, Codes
from shared.clock import CHINA

app = typer.Typer(help="代码表：查看某一日有效的代码，增加和停用本单位自定的代码。", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)
_COLUMNS = {"代码集": "set", "代码": "code", "名称": "label", "别名": "aliases", "启用日期": "since"}
_NEEDED = [name for name in _COLUMNS if name != "别名"]
_MOST = next(each.max_length for each in AddCodes.model_fields["codes"].metadata if hasattr(each, "max_length"))
User = Annotated[str | None, typer.Option(help="以哪个用户办理；只有一名编办业务科人员时可不写。")]


@app.command(
    help="从 CSV 文件增加自定代码，全部增加或全部不加。列：代码集、代码、名称、别名（可不写，多个用“、”分开）、启用日期。"
    f"可增加的代码集：{'、'.join(title for name, title in TITLES.items() if name not in CLOSED)}。"
    "已有的代码（国家标准和系统初始的）不会改动或删除；同一文件重复装入不会重复增加。"
)
def load(
    file: Annotated[Path, typer.Argument(help="CSV 文件（UTF-8 或 GB18030）。")],
    document: Annotated[str, typer.Option(help="依据文件的文号，如“示编〔2026〕9号”。")],
    user: User = None,
    reason: Annotated[str, typer.Option(help="说明。")] = "",
) -> None:
    body = {"codes": rows_of(file), "document_no": document, "reason": reason}
    done = at_doors(lambda doors: _post(doors, user, body))
    same = f"，原已增加、未改动的 {done['same']} 个" if done["same"] else ""
    console.print(f"已增加代码 {done['added']} 个{same}。")


@app.command(
    "end",
    help="自某一日起停用一个自定代码：自该日起新的记录不能再用，此前的记录照常显示，查看该日以前仍然有效。"
    "国家标准和系统初始的代码不能停用；停用只能办理一次，停用的代码不能恢复，也不能再次增加。",
)
def end_code(
    name: Annotated[str, typer.Argument(metavar="代码集", help="如“岗位等级”。")],
    code: Annotated[str, typer.Argument(metavar="代码", help="要停用的代码，如“HN-1”。")],
    *,
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="从哪一日起停用。")],
    document: Annotated[str, typer.Option(help="依据文件的文号，如“示编〔2026〕9号”。")],
    user: User = None,
    reason: Annotated[str, typer.Option(help="说明。")] = "",
) -> None:
    path = f"/codes/{_set_of(name)}/{quote(code, safe='')}/end"
    body = {"effective_on": on.date().isoformat(), "document_no": document, "reason": reason}
    at_doors(lambda doors: _post(doors, user, body, path))
    console.print(f"代码“{code}”自 {on:%Y-%m-%d} 起停用。")


async def _post(doors: Doors, user: str | None, body: dict[str, Any], path: str = "/codes") -> Any:
    return (await doors.post(user or await officer(doors, None), "roster", path, body)).body


@app.command("list", help="某一日有效的代码；不写代码集则列出全部代码集。")
def list_codes(
    name: Annotated[str | None, typer.Argument(metavar="代码集", help="如“岗位等级”。")] = None,
    *,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="哪一日有效的；不写则为今日。")] = None,
    user: User = None,
) -> None:
    wanted = _set_of(name) if name else None
    found = at_doors(lambda doors: _get(doors, user, on.date() if on else None))
    if wanted is None:
        _print_sets(found)
    else:
        _print_codes(wanted, found)


async def _get(doors: Doors, user: str | None, on: date | None) -> Codes:
    who = user or await officer(doors, None)
    return Codes.model_validate((await doors.get(who, "roster", "/codes", on=on.isoformat() if on else None)).body)


def _set_of(name: str) -> str:
    found = next((each for each, title in TITLES.items() if name in {each, title}), None)
    if found is None:
        raise WrongPlace(f"没有名为“{name}”的代码集。现有：{'、'.join(TITLES.values())}。")
    return found


def _print_sets(found: Codes) -> None:
    table = Table(*(Column(title, no_wrap=True) for title in ("代码集", "代码数", "其中自定", "可否增加")))
    for name, title in TITLES.items():
        rows, own = _rows(found, name), {each.code for each in found.own if each.set == name}
        table.add_row(title, str(len(rows)), str(sum(each.code in own for each in rows) or ""), "否" if name in CLOSED else "可")
    console.print(table)


def _print_codes(name: str, found: Codes) -> None:
    own = {each.code: each for each in found.own if each.set == name}
    table = Table(*(Column(title, no_wrap=True) for title in ("代码", "名称")), "别名", "依据", "自定")
    for each in _rows(found, name):
        added = own.get(each.code)
        table.add_row(each.code, each.label, "、".join(each.aliases), each.document_no, _said_of(added) if added else "")
    console.print(table)


def _said_of(own: AddedCode) -> str:
    """Since when, until when, and by whom."""
    said = f"{own.since} 起；{own.added_by} {own.added_at.astimezone(CHINA):%Y-%m-%d} 增加"
    if own.ended_on is None or own.ended_at is None:
        return said
    return f"{said}；{own.ended_on} 起停用；{own.ended_by} {own.ended_at.astimezone(CHINA):%Y-%m-%d} 办理，{own.ended_document_no}"


def _rows(found: Codes, name: str) -> list[Code]:
    return list(found.exit_reasons) if name == "exit_reasons" else found.of(name) if name in found.sets or hasattr(found, name) else []


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The rows of the file, each with its line there. Raises WrongPlace where it is no such file."""
    try:
        written = file.read_bytes()
    except OSError:
        raise WrongPlace(f"不能读取文件 {file}。请核对路径。") from None
    try:
        text = written.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = written.decode("gb18030", errors="replace")
    reader = csv.DictReader(StringIO(text, newline=""))
    columns = {name: (name or "").strip() for name in reader.fieldnames or ()}
    if missing := [name for name in _NEEDED if name not in columns.values()]:
        raise WrongPlace(f"{file} 的表头缺少列：{'、'.join(missing)}。应有：{'、'.join(_COLUMNS)}。")
    rows = [_row({columns.get(name, ""): cell for name, cell in each.items()}, reader.line_num) for each in reader]
    rows = [each for each in rows if any(each[name] for name in _COLUMNS.values())]
    if not 0 < len(rows) <= _MOST:
        raise WrongPlace(f"{file} 有 {len(rows)} 行代码，应为 1 至 {_MOST} 行。" + ("请分几次装入。" if rows else "请填写后再装入。"))
    return rows


def _row(cells: dict[str, Any], line: int) -> dict[str, Any]:
    given = {field: str(cells.get(name) or "").strip() for name, field in _COLUMNS.items()}
    return given | {"row": line, "aliases": [each for each in given["aliases"].replace("，", "、").split("、") if each.strip()]}

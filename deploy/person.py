"""`bianban person …`: what a person asks about his own data, over the roster's door: received, the copy handed out, answered."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import typer
from rich.console import Console
from rich.table import Column

from deploy.doors import Doors, Refused, doors_of
from deploy.local.place import Place, WrongPlace
from deploy.tables import Table
from shared.clock import CHINA, Clock
from shared.documents import Renderer

KINDS = {"copy": "查阅复制", "correction": "更正", "deletion": "删除"}
OUTCOMES = {None: "待答复", "granted": "已办理", "refused": "不予办理"}
_INSTANTS = frozenset({"at", "received_at", "found_at"})
_TEMPLATE = Path(__file__).with_name("person_copy.typ")
app = typer.Typer(help="本人对其个人信息的申请：查阅复制、更正、删除（个人信息保护法第四十四条至第五十条）。", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)
User = Annotated[str, typer.Option(help="以哪个用户办理。")]
Person = Annotated[UUID, typer.Argument(help="人员编号。")]
RequestId = Annotated[UUID, typer.Argument(help="申请编号，见 bianban person requests。")]


@app.command("request", help="登记本人的申请，输出申请编号。")
def receive(
    person: Person,
    user: User,
    kind: Annotated[Literal["copy", "correction", "deletion"], typer.Option(help="查阅复制、更正或删除。")],
    asked: Annotated[str, typer.Option(help="本人的要求，照原话。")],
    proof: Annotated[str, typer.Option(help="怎样核实是本人，如“持身份证到窗口”。")],
    field: Annotated[list[str] | None, typer.Option(help="更正登记表中的哪个项目，如“出生日期”；可写多次。")] = None,
) -> None:
    body = {"kind": kind, "asked": asked, "proof": proof, "fields": field or []}
    made = _at_doors(lambda doors: doors.post(user, "roster", f"/persons/{person}/requests", body))
    typer.echo(made.body["request_id"])


@app.command(help="某人的全部申请及答复。")
def requests(person: Person, user: User) -> None:
    found = _at_doors(lambda doors: doors.get(user, "roster", f"/persons/{person}/requests")).body["items"]
    table = Table(*(Column(name, no_wrap=True) for name in ("申请编号", "事项", "登记", "答复期限", "结果")), "依据")
    for each in found:
        received = f"{datetime.fromisoformat(each['received_at']).astimezone(CHINA):%Y-%m-%d}"
        table.add_row(each["request_id"], _matter(each), received, each["due_on"], OUTCOMES[each["outcome"]], each["ground"] or "")
    console.print(table)


@app.command(help="向本人提供系统中关于他的全部信息，写入 .json 或 .pdf 文件；提供一次，留痕一次。")
def copy(request: RequestId, user: User, out: Annotated[Path, typer.Option(help="写到哪个文件（.json 或 .pdf）。")]) -> None:
    if out.suffix not in {".json", ".pdf"} or out.exists():
        raise WrongPlace(f"{out} 须是尚不存在的 .json 或 .pdf 文件。")
    place = Place.from_environment()
    told = _at_doors(lambda doors: doors.post(user, "roster", f"/person-requests/{request}/copy", {}))
    content = json.dumps(told.body, ensure_ascii=False, indent=1).encode() if out.suffix == ".json" else pdf(place, request, told.body)
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    typer.echo(f"已写入 {out}。")


@app.command(help="答复本人：--grant 办理，--refuse 不予办理（须写明法律依据）。")
def decide(
    request: RequestId,
    user: User,
    answer: Annotated[str, typer.Option(help="答复内容。")],
    *,
    grant: Annotated[bool, typer.Option("--grant/--refuse", help="办理或不予办理。")],
    ground: Annotated[str | None, typer.Option(help="不予办理所依据的法律条款。")] = None,
) -> None:
    body = {"granted": grant, "answer": answer, "ground": ground}
    _at_doors(lambda doors: doors.post(user, "roster", f"/person-requests/{request}/decision", body))
    typer.echo("已答复。")


def pdf(place: Place, request: UUID, held: dict[str, Any]) -> bytes:
    """The same as a document, in the name of the office (WrongPlace where none is set). Raises MissingGlyphs."""
    told = place.variables()
    if not (issuer := told.get("BIANBAN_ISSUER")):
        raise WrongPlace("没有设置发文机关。请设置环境变量 BIANBAN_ISSUER 后重试，或先输出 .json 文件。")
    fonts, at = told.get("BIANBAN_FONT_DIR"), Clock(None if place.environment == "production" else place.clock_file).now().astimezone(CHINA)
    data = {
        "issuer": issuer,
        "case_no": str(request),
        "issued_on": at.date().isoformat(),
        **{name: held[name] for name in ("purpose", "basis", "retention")},
        "tables": list(_tables(held)),
    }
    mark = "" if place.environment == "production" else "演示数据"
    return Renderer(Path(fonts) if fonts else None, mark).pdf(_TEMPLATE, data, at)


def _tables(held: dict[str, Any]) -> list[dict[str, Any]]:
    records = [[label, value, _span(each)] for each in held["records"] for label, value in each["values"].items()]
    pending = [[label, value, each["state"], each["document_no"]] for each in held["pending"] for label, value in each["values"].items()]
    requests = [each | {"kind": _matter(each), "outcome": OUTCOMES[each["outcome"]]} for each in held["requests"]]
    return [
        _table("登记的信息", ["项目", "内容", "起止"], records),
        _table(
            "编制记录",
            ["单位", "编制类型", "经费形式", "入编", "出编", "文号"],
            _rows(held["placements"], "unit kind_label funding_label started_on ended_on document_no"),
        ),
        _table("借调", ["借入单位", "起", "止", "文号"], _rows(held["secondments"], "borrower started_on until document_no")),
        _table("变更", ["项目", "变更前", "变更后", "时间", "经办", "事由"], _rows(held["changes"], "label before after at actor reason")),
        _table("待办变更", ["项目", "内容", "状态", "文号"], pending),
        _table(
            "与上级登记的差异",
            ["项目", "本系统", "上级", "状态", "发现时间"],
            _rows(held["differences"], "label ours theirs state found_at"),
        ),
        _table("何人查看过完整号码", ["经办", "时间", "事由"], _rows(held["reveals"], "actor at reason")),
        _table("本人的申请", ["事项", "登记时间", "结果", "答复"], _rows(requests, "kind received_at outcome answer")),
    ]


def _matter(request: dict[str, Any]) -> str:
    return KINDS[request["kind"]] + (f"（{'、'.join(request['fields'])}）" if request["fields"] else "")


def _table(title: str, columns: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    return {"title": title, "columns": columns, "rows": [["—" if cell is None else str(cell) for cell in row] for row in rows]}


def _rows(items: list[dict[str, Any]], names: str) -> list[list[Any]]:
    return [[_minute(each[name]) if name in _INSTANTS else each[name] for name in names.split()] for each in items]


def _minute(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(CHINA):%Y-%m-%d %H:%M}"


def _span(record: dict[str, Any]) -> str:
    return f"{record['since'] or '登记时起'} 至 {record['until'] or '今'}"


def _at_doors(work: Callable[[Doors], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with doors_of(Place.from_environment()) as doors:
            return await work(doors)

    try:
        return asyncio.run(run())
    except Refused as refused:
        raise WrongPlace(refused.sentence) from None
    except (httpx.HTTPError, OSError):
        raise WrongPlace("系统没有应答。请先运行 bianban up。") from None

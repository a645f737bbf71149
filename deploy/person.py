"""`bianban person …`: what a person asks about his own data, over the roster's door: received, the copy handed out, corrected, answered."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Column

from deploy.doors import Doors, at_doors
from deploy.local.place import Place, WrongPlace
from deploy.tables import Table
from deploy.typed import CORRECTED, OF_POST, ensure_fits, given_of, pairs_of
from services.roster.api.persons import CorrectionBody
from services.roster.api.placements import PlacementCorrectionBody
from services.roster.queries.codes import Codes
from services.roster.queries.import_facts import choices_of
from shared.clock import CHINA, Clock, to_the_minute
from shared.documents import MissingGlyphs, Renderer

KINDS = {"copy": "查阅复制", "correction": "更正", "deletion": "删除"}
OUTCOMES = {None: "待答复", "granted": "已办理", "refused": "不予办理"}
_INSTANTS = frozenset({"at", "received_at", "found_at"})
_ITEMS = "、".join(each.label for name, each in CORRECTED.items() if name not in OF_POST)
_ITEMS_OF_POST = "、".join(each.label for name, each in CORRECTED.items() if name in OF_POST)
_LABELS = {name: each.label for name, each in CORRECTED.items()} | {"reason": "事由（--reason）", "document_no": "文号（--document）"}
_TEMPLATE = Path(__file__).with_name("person_copy.typ")
app = typer.Typer(
    help="本人对其个人信息的申请：查阅复制、更正、删除，及更正本身（个人信息保护法第四十四条至第五十条）。", no_args_is_help=True
)
console = Console(highlight=False, soft_wrap=True)
User = Annotated[str, typer.Option(help="以哪个用户办理。")]
Person = Annotated[UUID, typer.Argument(help="人员编号：门户中此人页面的地址以它结尾。")]
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
    made = at_doors(lambda doors: doors.post(user, "roster", f"/persons/{person}/requests", body))
    typer.echo(made.body["request_id"])


@app.command(help="某人的全部申请及答复。")
def requests(person: Person, user: User) -> None:
    found = at_doors(lambda doors: doors.get(user, "roster", f"/persons/{person}/requests")).body["items"]
    table = Table(*(Column(name, no_wrap=True) for name in ("申请编号", "登记、期限")), "事项", "答复")
    for each in found:
        received = f"{datetime.fromisoformat(each['received_at']).astimezone(CHINA):%Y-%m-%d}"
        said = [OUTCOMES[each["outcome"]], each["answer"], each["ground"]]
        table.add_row(each["request_id"], f"{received}\n{each['due_on']}", _matter(each), "\n".join(filter(None, said)))
    console.print(table)


@app.command(help="向本人提供系统中关于他的全部信息，写入 .json 或 .pdf 文件；提供一次，留痕一次。")
def copy(request: RequestId, user: User, out: Annotated[Path, typer.Option(help="写到哪个文件（.json 或 .pdf）。")]) -> None:
    if out.suffix not in {".json", ".pdf"} or out.exists():
        raise WrongPlace(f"{out} 须是尚不存在的 .json 或 .pdf 文件。")
    paper = Paper(Place.from_environment()) if out.suffix == ".pdf" else None
    with _new(out) as file:
        held = at_doors(lambda doors: doors.post(user, "roster", f"/person-requests/{request}/copy", {})).body
        file.write(paper.pdf(request, held) if paper else json.dumps(held, ensure_ascii=False, indent=1).encode())
    typer.echo(f"已写入 {out}。")


@contextmanager
def _new(out: Path) -> Iterator[BinaryIO]:
    """A file for its owner's eyes, there before anything is asked for, and gone again where nothing came of it."""
    try:
        made = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        raise WrongPlace(f"不能写入 {out}。请核对文件夹是否存在、是否可写，再重试。") from None
    try:
        with os.fdopen(made, "wb") as file:
            yield file
    except BaseException:
        out.unlink(missing_ok=True)
        raise


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
    at_doors(lambda doors: doors.post(user, "roster", f"/person-requests/{request}/decision", body))
    typer.echo("已答复。")


@app.command(
    help="更正登记有误的人员信息或在编记录：项目=内容，可写多项；清空写“项目=”，不愿留在终端里的写“项目=?”，按提示输入。"
    "登记无误、后来变了的关键项目（★）不是更正，请办理信息变更。"
)
def correct(
    person: Person,
    pairs: Annotated[list[str], typer.Argument(metavar="项目=内容...", help=f"人员：{_ITEMS}；在编记录：{_ITEMS_OF_POST}。")],
    user: User,
    document: Annotated[str, typer.Option(help="证明文件的文号，如“户证〔2026〕1号”。")],
    reason: Annotated[str, typer.Option(help="错在哪里、依据什么。")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="有误的内容从哪一天起；不写则自登记起一直有误。只用于人员信息。")
    ] = None,
    placement: Annotated[UUID | None, typer.Option(help="更正哪一条在编记录；不写则为现在的一条。")] = None,
) -> None:
    written = pairs_of(pairs, lambda label: str(typer.prompt(label, hide_input=True)))
    names = {name for name, _ in written}
    if names & OF_POST and names - OF_POST:
        raise WrongPlace("人员信息和在编记录请分两次更正：每次只写其中一类项目。")
    if names & OF_POST and since is not None:
        raise WrongPlace("在编记录的更正自该记录开始之日起算，请去掉 --since。")
    why = {"document_no": document, "reason": reason} | ({"since": since.date().isoformat()} if since else {})
    at_doors(lambda doors: _correct(doors, user, person, placement, written, why))
    typer.echo(f"已更正：{'、'.join(CORRECTED[name].label for name, _ in written)}。如系本人申请，请用 bianban person decide 答复本人。")


async def _correct(
    doors: Doors, user: str, person: UUID, placement: UUID | None, written: list[tuple[str, str]], why: dict[str, str]
) -> None:
    codes = Codes.model_validate((await doors.get(user, "roster", "/codes")).body)
    given = given_of(written, choices_of(codes))
    body = {**given.person, **given.post, **why}
    ensure_fits(body, PlacementCorrectionBody if given.post else CorrectionBody, _LABELS)
    path = f"/persons/{person}/corrections"
    if given.post:
        path = f"/placements/{placement or await _placement_of(doors, user, person)}/corrections"
    await doors.post(user, "roster", path, body)


async def _placement_of(doors: Doors, user: str, person: UUID) -> str:
    held = (await doors.get(user, "roster", f"/persons/{person}")).body["placement"]
    if held is None:
        raise WrongPlace("该人员现在没有在编记录。更正以前的记录，请用 --placement 写明是哪一条（编号见其任职经历）。")
    return str(held["placement_id"])


class Paper:
    """The same as a document, in the name of the office. All that can be missing for it, but a glyph, is known before anything is asked for."""

    def __init__(self, place: Place) -> None:
        """Raises WrongPlace where no office is set, or the folder of fonts is none."""
        told, real = place.variables(), place.environment == "production"
        if not (issuer := told.get("BIANBAN_ISSUER")):
            raise WrongPlace("没有设置发文机关。请设置环境变量 BIANBAN_ISSUER 后重试，或先输出 .json 文件。")
        self._issuer, self._clock = issuer, Clock(None if real else place.clock_file)
        fonts = told.get("BIANBAN_FONT_DIR")
        try:
            self._renderer = Renderer(Path(fonts) if fonts else None, "" if real else "演示数据")
        except OSError:
            raise WrongPlace(f"不能读取字体目录 {fonts}。请核对环境变量 BIANBAN_FONT_DIR 后重试，或先输出 .json 文件。") from None

    def pdf(self, request: UUID, held: dict[str, Any]) -> bytes:
        """What is held of somebody. WrongPlace where it has a character that no font draws."""
        at = self._clock.now().astimezone(CHINA)
        data = {
            "issuer": self._issuer,
            "case_no": str(request),
            "issued_on": at.date().isoformat(),
            **{name: held[name] for name in ("purpose", "basis", "retention")},
            "tables": list(_tables(held)),
        }
        try:
            return self._renderer.pdf(_TEMPLATE, data, at)
        except MissingGlyphs as missing:
            raise WrongPlace(
                f"现有字库不能显示字符 {missing.code_points}，PDF 没有生成。请改用 .json 文件再次提供，或补充字库（BIANBAN_FONT_DIR）后重试。"
            ) from None


def _tables(held: dict[str, Any]) -> list[dict[str, Any]]:
    records = [[label, value, _span(each)] for each in held["records"] for label, value in each["values"].items()]
    posts = [
        [each["unit"], label, value, f"{each['started_on']} 至 {each['ended_on'] or '今'}"]
        for each in held["placements"]
        for label, value in each["values"].items()
    ]
    pending = [[label, value, each["state"], each["document_no"]] for each in held["pending"] for label, value in each["values"].items()]
    requests = [each | {"kind": _matter(each), "outcome": OUTCOMES[each["outcome"]]} for each in held["requests"]]
    return [
        _table("登记的信息", ["项目", "内容", "起止"], records),
        _table("编制记录", ["单位", "项目", "内容", "起止"], posts),
        _table("借调", ["借入单位", "起", "止", "文号"], _rows(held["secondments"], "borrower started_on until document_no")),
        _table("变更", ["项目", "变更前", "变更后", "时间", "经办", "事由"], _rows(held["changes"], "label before after at actor reason")),
        _table("信息变更", ["项目", "内容", "状态", "文号"], pending),
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
    return to_the_minute(datetime.fromisoformat(instant))


def _span(record: dict[str, Any]) -> str:
    return f"{record['since'] or '登记时起'} 至 {record['until'] or '今'}"

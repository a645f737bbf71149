"""`bianban import KIND FILE` and `bianban template KIND FILE`, over the roster's own door. Checking is the default; writing must be asked for."""

import asyncio
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from deploy import comparisons
from deploy.doors import Doors, Refused, doors_of, not_done, owned
from deploy.local.place import Place, WrongPlace
from deploy.waiting import at_rest
from services.roster.models.fields import SHEETS
from services.roster.models.imports import ImportState
from shared.auth import PERMISSIONS
from shared.glossary import LABELS, Role
from shared.sheets.reading import FILE_BYTES

SHOWN = 200
_KINDS = "、".join(f"{kind}（{sheet.title}）" for kind, sheet in SHEETS.items())
_RUNNING = {ImportState.RECEIVED, ImportState.CHECKING, ImportState.APPLYING}
console = Console(highlight=False, soft_wrap=True)
KindArgument = Annotated[str, typer.Argument(metavar="KIND", help=f"导入什么：{_KINDS}。")]
_COMPARED = f"{comparisons.KIND}（{comparisons.TITLE}，不写入名册）"
_ANY_KIND = typer.Argument(metavar="KIND", help=f"导入什么：{_KINDS}；{_COMPARED}。")
User = Annotated[str | None, typer.Option(help="以哪个用户办理（须有编办业务科角色）；只有一名时可不写。")]
Import = dict[str, Any]


def import_file(
    kind: Annotated[str, _ANY_KIND],
    file: Annotated[Path, typer.Argument(help="Excel 工作簿 (*.xlsx) 或 CSV（UTF-8、GB18030）。")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="没有错误时写入。")] = False,
    accept_valid: Annotated[bool, typer.Option("--accept-valid", help="写入无误的行，有错误的行留下。")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只核对，不写入（默认即如此）。")] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(help="对照文件（TOML 或 JSON）：旧台账的表头、代码和单位叫法对应模板的什么，示例见 docs/mapping.example.toml。"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="把原文件另存一份，带“核对结果”列，有问题的单元格着色。")] = None,
    political_legal: Annotated[bool, typer.Option("--political-legal", help="导入政法专项编制（须本系统已开启）。")] = False,
    unit: Annotated[
        str | None,
        typer.Option(
            help=f"整份文件的单位（全称、简称、曾用名或代码）：没有写单位的行按它导入。用于 {comparisons.KIND} 时：文件只含该单位及其下级，不写则为全市。"
        ),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help=f"只用于 {comparisons.KIND}：文件虽只含少数单位，仍按全市比对。")] = False,
    user: User = None,
) -> None:
    """核对并导入单位自己的表格。默认只核对，不写入。"""
    _ensure_fits(kind, writing=yes or accept_valid or bool(mapping or report or political_legal), whole=whole)
    if dry_run and (yes or accept_valid):
        raise typer.BadParameter("--dry-run 不能与 --yes 或 --accept-valid 同时使用")
    _ensure_there(file, mapping, report)
    fields = ({"political_legal": "true"} if political_legal else {}) | ({"unit": unit} if unit else {})
    try:
        if kind == comparisons.KIND:
            code = asyncio.run(_compare(file, user, unit, whole=whole))
        else:
            code = asyncio.run(_import(kind, file, mapping, report, user, fields, wanted=yes or accept_valid, tolerant=accept_valid))
    except Refused as refused:
        console.print(f"{file.name}：{refused.sentence}", style="red", markup=False)
        code = 2
    except (httpx.HTTPError, OSError) as failed:
        raise not_done(failed) from None
    raise typer.Exit(code)


def template(
    kind: KindArgument,
    file: Annotated[Path | None, typer.Argument(help="写到哪里 (*.xlsx)；不写则为当前目录下的“……模板.xlsx”。")] = None,
    *,
    user: User = None,
) -> None:
    """写出空白模板，带填写说明、下拉选项和代码表。"""
    _ensure_kind(kind)
    file = file or Path(f"{SHEETS[kind].title}模板.xlsx")
    if file.suffix.lower() != ".xlsx":
        raise typer.BadParameter("文件名须以 .xlsx 结尾", param_hint="FILE")
    if file.exists():
        raise WrongPlace(f"{file} 已存在，未覆盖。")

    async def write() -> None:
        async with doors_of(Place.from_environment()) as doors:
            able = await officer(doors, user)
            await doors.ensure_there("roster")
            file.write_bytes((await doors.get(able, "roster", f"/templates/{kind}")).content)

    try:
        asyncio.run(write())
    except (Refused, httpx.HTTPError, OSError) as failed:
        raise not_done(failed) from None
    console.print(f"模板已写入 {file}。填写后核对：bianban import {kind} {file}{f' --user {user}' if user else ''}", markup=False)


def _ensure_fits(kind: str, *, writing: bool, whole: bool) -> None:
    """A comparison writes nothing; it alone is of the whole county though it looks like a part."""
    if kind != comparisons.KIND:
        _ensure_kind(kind, f"{_KINDS}、{_COMPARED}")
        if whole:
            raise typer.BadParameter(f"--whole 只用于 {comparisons.KIND}")
    elif writing:
        raise typer.BadParameter(f"{comparisons.KIND} 只作比对，不写入，没有这些选项")


def _ensure_kind(kind: str, kinds: str = _KINDS) -> None:
    if kind not in SHEETS:
        raise typer.BadParameter(f"没有“{kind}”这种内容。可用：{kinds}")


def _ensure_there(file: Path, mapping: Path | None, report: Path | None) -> None:
    for path in (file, mapping):
        if path is not None and not path.is_file():
            raise WrongPlace(f"没有找到文件 {path}。请核对路径。")
    if report is not None and not report.parent.is_dir():
        raise WrongPlace(f"没有文件夹 {report.parent}。请核对路径。")
    if file.stat().st_size > FILE_BYTES:
        raise WrongPlace(f"文件超过 {FILE_BYTES // 1_000_000} MB。请分成几个文件导入。")


async def officer(doors: Doors, user: str | None) -> str:
    """The user who loads: the one named, or the only one who may. WrongPlace otherwise."""
    if user is None:
        able = [name for name in await doors.users() if not PERMISSIONS["roster.maintain"].isdisjoint((await doors.who(name)).roles)]
        if len(able) != 1:
            found = f"有 {len(able)} 名：{'、'.join(able[:5])}" if able else "还没有"
            raise WrongPlace(
                f"请用 --user 写明以谁的名义办理。具有“{LABELS[Role.BUSINESS_OFFICER]}”角色的用户{found}。建立用户：bianban identity load 文件.json"
            )
        return able[0]
    if not (await doors.who(user)).may("roster.maintain"):
        raise WrongPlace(f"用户 {user} 没有“{LABELS[Role.BUSINESS_OFFICER]}”角色，不能导入。")
    return user


class Importing:
    """One file on its way through the roster's door."""

    def __init__(self, doors: Doors, user: str) -> None:
        self._doors, self._user = doors, user

    async def check(self, kind: str, name: str, content: bytes, mapping: tuple[str, bytes] | None = None, **fields: str) -> Import:
        """Bring a file; answers with what was found. Raises Refused."""
        files = {"file": (name, content)} | ({"mapping": mapping} if mapping else {})
        answer = await self._doors.upload(self._user, "roster", "/imports", files, kind=kind, **fields)
        return await self._at_rest(answer.body["import_id"], "核对", "rows_read", "")

    async def write(self, found: Import, *, accept_valid: bool, document_no: str | None = None) -> Import:
        """Have it written; answers with what was. Raises Refused."""
        body = {"accept_valid": accept_valid, "document_no": document_no}
        await self._doors.post(self._user, "roster", f"/imports/{found['id']}/apply", body)
        return await self._at_rest(found["id"], "写入", "units_done", "units_total")

    async def give_up(self, found: Import) -> None:
        """Nothing shall wait of what was only checked."""
        await self._doors.post(self._user, "roster", f"/imports/{found['id']}/cancel", {})

    async def problems(self, found: Import) -> list[dict[str, Any]]:
        """The first of what was found."""
        answer = await self._doors.get(self._user, "roster", f"/imports/{found['id']}/problems", limit=SHOWN)
        items: list[dict[str, Any]] = answer.body["items"]
        return items

    async def not_lent(self, found: Import, done: Import) -> list[dict[str, Any]]:
        """What was found at the writing only: loans that were refused."""
        if done["warnings"] <= found["warnings"]:
            return []
        return [each for each in await self._doors.pages(self._user, "roster", f"/imports/{done['id']}/problems") if each["at_writing"]]

    async def changes(self, found: Import) -> list[dict[str, Any]]:
        """The first rows that would change what is there, field by field."""
        answer = await self._doors.get(self._user, "roster", f"/imports/{found['id']}/changes", limit=SHOWN)
        items: list[dict[str, Any]] = answer.body["items"]
        return items

    async def copy(self, found: Import) -> bytes:
        """The file again, with its findings."""
        return (await self._doors.get(self._user, "roster", f"/imports/{found['id']}/result")).content

    async def _at_rest(self, import_id: str, label: str, done: str, total: str) -> Import:
        def far(found: Import) -> dict[str, Any]:
            return {"completed": found[done], "total": found[total] if total else None, "description": f"{label} {found[done]}"}

        return await at_rest(lambda: self._doors.get(self._user, "roster", f"/imports/{import_id}"), _RUNNING, console, far)


async def _compare(file: Path, user: str | None, unit: str | None, *, whole: bool) -> int:
    async with doors_of(Place.from_environment()) as doors:
        user = await officer(doors, user)
        await doors.ensure_there("roster")
        return await comparisons.compare_file(file, user, doors, unit, whole=whole)


async def _import(
    kind: str,
    file: Path,
    mapping: Path | None,
    report: Path | None,
    user: str | None,
    fields: Mapping[str, str],
    *,
    wanted: bool,
    tolerant: bool,
) -> int:
    async with doors_of(Place.from_environment()) as doors:
        user = await officer(doors, user)
        await doors.ensure_there("roster")
        importing = Importing(doors, user)
        translation = (mapping.name, mapping.read_bytes()) if mapping else None
        found = await importing.check(kind, file.name, file.read_bytes(), translation, **fields)
        if found["state"] != ImportState.CHECKED:
            console.print(f"{file.name}：{found['note'] or found['state_label']}", style="red", markup=False)
            return 2
        _print(file, found, await importing.problems(found), await importing.changes(found))
        if report:
            owned(report, await importing.copy(found))
            console.print(f"核对结果已另存为 {report}")
        if not wanted or (found["errors"] and not tolerant):
            await importing.give_up(found)
            given = ["--user", user, *(["--mapping", str(mapping)] if mapping else []), *_as_given(fields)]
            _say_how_to_write(shlex.join(["bianban", "import", kind, str(file), *given]), found)
        elif not await _write(importing, found, accept_valid=tolerant):
            return 1
    return 1 if found["errors"] else 0


async def _write(importing: Importing, found: Import, *, accept_valid: bool) -> bool:
    """Write what was found good, and tell what became of it; whether all was written."""
    done = await importing.write(found, accept_valid=accept_valid)
    not_lent = await importing.not_lent(found, done)
    _print_written(found, done, not_lent)
    return not done["refused"] and not not_lent and done["state"] == ImportState.APPLIED


def _as_given(fields: Mapping[str, str]) -> Iterator[str]:
    """The options that these fields came from."""
    for name, value in fields.items():
        yield from [f"--{name.replace('_', '-')}", *([value] if name == "unit" else [])]


def _print(file: Path, found: Import, problems: list[dict[str, Any]], changes: list[dict[str, Any]]) -> None:
    counted = "；".join(f"{each['title']} {_rows(each)}" for each in found["sheets"].values())
    console.print(f"{file.name}：{counted or '没有数据行'}", markup=False)
    if found["note"]:
        console.print(f"  {found['note']}", style="yellow", markup=False)
    for each in problems:
        label, style = ("提示", "yellow") if each["warning"] else ("错误", "red")
        where = f"{each['sheet']} 第 {each['row']} 行 {each['column']}".rstrip()
        console.print(f"  {label}  {where}：{each['sentence']}", style=style, markup=False)
    for each in changes:
        told = "；".join(f"{one['column']} {one['before'] or '（空）'} → {one['after']}" for one in each["changes"])
        console.print(f"  变更  {each['sheet']} 第 {each['row']} 行 {each['about']}：{told}", style="cyan", markup=False)
    if more := sum(each["changed"] for each in found["sheets"].values()) - len(changes):
        console.print(f"  其余变更 {more} 行，略。")
    left = found["errors"] + found["warnings"] - len(problems)
    if left:
        console.print(f"  其余 {left} 处略，全部内容见 --report 另存的文件。")
    console.print(f"错误 {found['errors']} 处，提示 {found['warnings']} 处。")


def _rows(each: Mapping[str, int]) -> str:
    words = (("added", "新增"), ("changed", "变更"), ("same", "相同"), ("wrong", "有错误"), ("left_out", "不导入"))
    total = sum(each[name] for name, _ in words)
    return f"{total} 行（{'，'.join(f'{word} {each[name]}' for name, word in words if each[name]) or '无'}）"


def _good(found: Import) -> int:
    return sum(each["added"] + each["changed"] for each in found["sheets"].values())


def _nothing_new(found: Import) -> str:
    """What is said of a file that changes nothing."""
    same = sum(each["same"] for each in found["sheets"].values())
    return f"{same} 行名册中都已有，没有要写入的内容。" if same else "文件中没有要写入的行。"


def _say_how_to_write(again: str, found: Import) -> None:
    """`again`: the command that was just given."""
    nothing = "" if found["errors"] or _good(found) else _nothing_new(found)
    console.print(f"以上只是核对，没有写入任何数据。{nothing}")
    if not found["errors"] and _good(found):
        console.print(f"写入：{again} --yes", markup=False)
    elif _good(found):
        console.print(f"请改正后重新核对；或只写入无误的行：{again} --accept-valid", markup=False)


def _print_written(found: Import, done: Import, not_lent: list[dict[str, Any]]) -> None:
    written: dict[str, int] = {**done["written"]}
    already = written.pop("already", 0)
    same, wrong = (sum(each.get(name, 0) for each in found["sheets"].values()) for name in ("same", "wrong"))
    if not any(written.values()) and wrong:
        there = f"系统中已有的 {same} 行没有改动；" if same else ""
        console.print(f"没有写入任何内容：{there}{wrong} 行有错误。请改正后重新导入。")
    elif not any(written.values()) and not already:
        console.print("没有写入任何内容。" if done["refused"] or not_lent or done["left"] else _nothing_new(found))
    elif any(written.values()):
        console.print(
            f"已写入：新单位 {written['units']} 个，编制数 {written['quotas']} 行，职数 {written['seats']} 行，"
            f"人员 {written['persons']} 人（其中超编 {written['over_quota']} 人），变更 {written['changed']} 项，借调 {written.get('loans', 0)} 项"
            f"{f'，已出编 {history} 人次' if (history := written.get('history', 0)) else ''}。"
        )
        if same:
            console.print(f"原已存在、未改动的 {same} 行。")
    if already:
        console.print(f"{already} 个单位的内容，核对之后已由另一次导入写入，本次没有改动。")
    for each in not_lent:
        console.print(f"  提示  {each['sheet']} 第 {each['row']} 行：{each['sentence']}", style="yellow", markup=False)
    for each in done["refused"]:
        console.print(f"  未写入  {each['name']}：{each['sentence']}", style="red", markup=False)
    if done["left"]:
        console.print(done["left"], style="yellow", markup=False)

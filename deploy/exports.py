"""`bianban export LIST --out FILE`: any list of any service, over the service's own door."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer
from rich.console import Console

from deploy.doors import READS, Doors, Refused, doors_of, not_done
from deploy.imports import officer
from deploy.local.place import SERVICES, Place, WrongPlace
from deploy.tables import Table
from deploy.waiting import at_rest
from shared.exports.models import UNDER_WAY, ExportState

_ENDINGS = (".xlsx", ".csv")
console = Console(highlight=False, soft_wrap=True)
Lists = dict[str, tuple[str, dict[str, Any]]]
"""By name: the service, and what it says of the list."""


def export_list(
    name: Annotated[str | None, typer.Argument(metavar="LIST", help="清单名；不写则列出可导出的清单。")] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="写到哪里 (*.xlsx 或 *.csv)。")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="xlsx 或 csv；不写则按文件名。")] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="筛选，如 as_of=2026-06-30；unit 写单位名称、代码或编号；可写多次。")
    ] = None,
    fields: Annotated[str, typer.Option(help="只要哪些列（列名或表头），用逗号分开；不写则全部。")] = "",
    unmasked: Annotated[bool, typer.Option("--unmasked", help="不脱敏（须有权限并写明 --reason）。")] = False,
    reason: Annotated[str, typer.Option(help="用途，写在文件首行并留痕。")] = "",
    user: Annotated[str | None, typer.Option(help="以哪个用户导出；只有一名编办业务科人员时可不写。")] = None,
) -> None:
    """导出清单为 Excel 或 CSV。"""
    body = {
        "filters": _pairs(filters or []),
        "fields": fields,
        "unmasked": unmasked,
        "reason": reason,
    }
    try:
        asyncio.run(_list(user) if name is None else _export(name, _target(out, format_), format_, body, user))
    except (Refused, httpx.HTTPError, OSError) as failed:
        raise not_done(failed) from None


def _pairs(written: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in written]
    wrong = [name for name, sign, _ in pairs if not sign]
    if wrong:
        raise typer.BadParameter(f"筛选应写作 名称=值，而不是“{wrong[0]}”", param_hint="--filter")
    return {name: value for name, _, value in pairs}


def _target(out: Path | None, format_: str | None) -> Path:
    if out is None:
        raise typer.BadParameter("缺少选项 '--out'：请写明写到哪里 (*.xlsx 或 *.csv)。")
    if out.suffix.lower() not in _ENDINGS and not format_:
        raise typer.BadParameter(f"文件名须以 {' 或 '.join(_ENDINGS)} 结尾，或用 --format 写明格式", param_hint="--out")
    if out.exists():
        raise WrongPlace(f"{out} 已存在，未覆盖。")
    if not out.parent.is_dir():
        raise WrongPlace(f"没有文件夹 {out.parent}。请核对路径。")
    return out


async def _list(user: str | None) -> None:
    async with doors_of(Place.from_environment(), READS) as doors:
        table = Table("清单", "内容", "可按此筛选")
        for name, (_, line) in (await _lists(doors, user or await officer(doors, None))).items():
            table.add_row(name, line["title"], "、".join(line["filters"]))
    console.print(table)


async def _export(name: str, out: Path, format_: str | None, body: Mapping[str, Any], user: str | None) -> None:
    async with doors_of(Place.from_environment()) as doors:
        user = user or await officer(doors, None)
        lists = await _lists(doors, user, name)
        if name not in lists:
            raise WrongPlace(f"没有名为 {name} 的清单，或者 {user} 无权查看。可导出：{'、'.join(lists)}。")
        service = lists[name][0]
        kind = format_ or ("csv" if out.suffix.lower() == ".csv" else "xlsx")
        wanted = {"filters": await by_id(doors, user, body["filters"]), "fields": by_name(body["fields"], lists[name][1]["columns"])}
        asked = (await doors.post(user, service, "/exports", {"list": name, "format": kind, **body, **wanted})).body
        done = await at_rest(lambda: doors.get(user, service, f"/exports/{asked['id']}"), UNDER_WAY, console, _far)
        if done["state"] != ExportState.DONE:
            raise WrongPlace(f"没有导出：{done['note'] or done['state_label']}")
        await doors.save(user, service, f"/exports/{done['id']}/file", out)
    masked = "，未脱敏，请妥善保管" if done["unmasked"] else ""
    console.print(f"{done['title']}：共 {done['rows_done']} 行{masked}，已写入 {out}", markup=False)


async def by_id(doors: Doors, user: str, filters: Mapping[str, str]) -> Mapping[str, str]:
    """A unit is written as people call it."""
    called = filters.get("unit", "")
    try:
        UUID(called)
    except ValueError:
        return {**filters, "unit": await doors.unit_of(user, called)} if called else filters
    return filters


def by_name(written: str, columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """A column is written by its name or by its header; what is neither, the service refuses."""
    called = {column["label"]: column["name"] for column in columns}
    return [called.get(each.strip(), each.strip()) for each in re.split("[,，]", written) if each.strip()]


async def _lists(doors: Doors, user: str, wanted: str | None = None) -> Lists:
    """What this user may export, of every service that has lists; up to the one that has what is wanted: the others may be away."""
    found: Lists = {}
    for service in SERVICES:
        await doors.ensure_there(service)
        try:
            lines = (await doors.get(user, service, "/exports/lists")).body["items"]
        except Refused as refused:
            if refused.status != httpx.codes.NOT_FOUND:
                raise
            continue
        found |= {line["name"]: (service, line) for line in lines}
        if wanted in found:
            break
    return found


def _far(export: dict[str, Any]) -> dict[str, Any]:
    return {"description": "导出", "completed": export["rows_done"], "total": export["rows_total"]}

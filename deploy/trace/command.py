"""The command `bianban trace`."""

import asyncio
import json
import re
from typing import Annotated

import httpx
import typer

from deploy.identity import tokens
from deploy.local.place import Place, WrongPlace
from deploy.trace.asking import finder
from deploy.trace.waterfall import lines
from shared.found_traces import TRACE_ID, Found
from shared.trace_finder import Finder

_CASE = re.compile(r"[a-z]+:.+")
_HINT = "案件编号带种类，如 approval:…、rectification:…:1、freeze:…、import:…、comparison:…；追踪编号为 32 位。"


def trace(
    what: Annotated[
        str,
        typer.Argument(help="案件编号（如 approval:…、rectification:…:1），或其文号、不带种类的编号，或追踪编号（应答头 x-trace-id）。"),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。")] = False,
) -> None:
    """显示一个案件（或一条追踪）走过的全部步骤：流程、事件、每一步何时开始、用时多少、在哪个进程。"""
    found, away = asyncio.run(_asked(Place.from_environment(), what))
    if as_json:
        typer.echo(json.dumps(found.json() | {"away": away}, ensure_ascii=False, indent=1))
        return
    if away:
        typer.echo(f"{'、'.join(away)} 没有应答，以下不含其中的记录。请用 bianban status 查看。")
    for line in lines(found):
        typer.echo(line)


async def _asked(place: Place, what: str) -> tuple[Found, list[str]]:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        return await find(finder(place, http, tokens(place)), what)


async def find(asking: Finder, what: str) -> tuple[Found, list[str]]:
    """By case id, what it is told by, or trace id, and which services did not answer. Raises WrongPlace when nothing is known of it."""
    is_trace = TRACE_ID.fullmatch(what)
    found = await (asking.trace(what) if is_trace else asking.case(what if _CASE.fullmatch(what) else await _case_of(asking, what)))
    if found is None and asking.away:
        raise WrongPlace(f"{'、'.join(asking.away)} 没有应答，其他地方没有找到 {what}。请用 bianban status 查看。")
    if found is None:
        raise WrongPlace(f"没有找到追踪 {what}。" if is_trace else f"没有编号为 {what} 的案件，或它还没有留下任何记录。{_HINT}")
    return found, list(dict.fromkeys(asking.away))


async def _case_of(asking: Finder, what: str) -> str:
    """The one case of a number or a bare id; itself where nobody knows one. Raises WrongPlace where it is of several."""
    cases = await asking.cases(what)
    if len(cases) > 1:
        raise WrongPlace(f"{what} 有 {len(cases)} 个案件：{'、'.join(cases)}。请写其中之一。")
    return cases[0] if cases else what

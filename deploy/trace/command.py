"""The command `bianban trace`."""

import asyncio
import json
import re
from typing import Annotated

import httpx
import typer

from deploy.identity import tokens
from deploy.local.place import Place
from deploy.trace.found import Finder, Found
from deploy.trace.waterfall import lines

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


def trace(
    what: Annotated[str, typer.Argument(help="案件编号（如 approval:…、rectification:…:1），或追踪编号（应答头 x-trace-id）。")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。")] = False,
) -> None:
    """显示一个案件（或一条追踪）走过的全部步骤：流程、事件、每一步何时开始、用时多少、在哪个进程。"""
    found = asyncio.run(find(Place.from_environment(), what))
    if as_json:
        typer.echo(json.dumps(found.json(), ensure_ascii=False, indent=1))
    else:
        for line in lines(found):
            typer.echo(line)


async def find(place: Place, what: str) -> Found:
    """By case id or trace id. Raises WrongPlace when nothing is known of it, or a service is away."""
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        finder = Finder(place, http, tokens(place))
        return await (finder.trace(what) if _TRACE_ID.fullmatch(what) else finder.case(what))

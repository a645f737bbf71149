"""`bianban reporting …`: build the read models anew beside the live ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from deploy.databases import reached
from deploy.local.place import Place, WrongPlace
from services.reporting import commands, queries
from services.reporting.models import Generation, GiveUpRebuild, StartRebuild
from shared.clock import Clock
from shared.db import By, Database
from shared.errors import DomainError
from shared.events.envelope import uuid7

GLANCE = 0.3
app = typer.Typer(help="报表读模型。", no_args_is_help=True)


@app.callback()
def reporting() -> None:
    """报表读模型。"""


@app.command(help="由全部事件重建报表，与现有报表并行，追平后切换；不影响任何业务。")
def rebuild(
    *, give_up: Annotated[bool, typer.Option("--give-up", help="放弃正在进行的重建，现有报表不变；用于一直不能完成的重建。")] = False
) -> None:
    place = Place.from_environment()
    try:
        said = asyncio.run(given_up(place)) if give_up else _said(asyncio.run(rebuilt(place)))
    except DomainError as refusal:
        raise WrongPlace(str(refusal)) from None
    except OSError:
        raise WrongPlace("报表数据库没有应答。请先运行 bianban up。") from None
    typer.echo(said)


async def rebuilt(place: Place) -> Generation:
    """A new generation, built and live, and how it differs from the one before. WrongPlace when it was given up meanwhile."""
    async with _reporting(place, "命令行重建") as (database, by):
        asked = await commands.start_rebuild(database, by, StartRebuild())
        typer.echo(f"正在重建第 {asked.number} 代报表……一直不能完成的，可在另一窗口运行 bianban reporting rebuild --give-up 放弃。")
        done = await until_live(database, asked.number)
    if done.live_at is None:
        raise WrongPlace(f"第 {done.number} 代报表的重建已被放弃，现有报表不变。如仍需要，请重新运行。")
    return done


def _said(done: Generation) -> str:
    return f"第 {done.number} 代报表已启用：{done.rows_compared} 行，与原报表不同 {done.rows_differing} 行。"


async def given_up(place: Place) -> str:
    """The live generation stays. Raises NoRebuildRuns."""
    typer.echo("正在放弃重建……正在比较新旧报表的，等这一次比较结束。")
    async with _reporting(place, "命令行放弃重建") as (database, by):
        number = await commands.give_up_rebuild(database, by, GiveUpRebuild())
    return f"第 {number} 代报表的重建已放弃，现有报表不变；已建的部分由 reporting-worker 清除。"


@asynccontextmanager
async def _reporting(place: Place, reason: str) -> AsyncIterator[tuple[Database, By]]:
    async with reached(place, "reporting") as database:
        clock = Clock(None if place.environment == "production" else place.clock_file)
        yield database, By(actor="bianban", as_of=clock.now(), key=f"rebuild:{uuid7()}", reason=reason)


async def until_live(database: Database, number: int) -> Generation:
    """Wait until a rebuild has taken over, or was given up."""
    while True:
        async with database.reading() as conn:
            found = await queries.generation(conn, number)
        if found.state != "building":
            return found
        await asyncio.sleep(GLANCE)

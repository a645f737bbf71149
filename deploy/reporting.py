"""`bianban reporting …`: build the read models anew beside the live ones."""

import asyncio

import typer

from deploy.local.place import Place, WrongPlace
from services.reporting import commands, queries
from services.reporting.models import Generation, StartRebuild
from shared import db
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
def rebuild() -> None:
    place = Place.from_environment()
    try:
        done = asyncio.run(rebuilt(place))
    except DomainError as refusal:
        raise WrongPlace(str(refusal)) from None
    except OSError:
        raise WrongPlace("报表数据库没有应答。请先运行 bianban up。") from None
    typer.echo(f"第 {done.number} 代报表已启用：{done.rows_compared} 行，与原报表不同 {done.rows_differing} 行。")


async def rebuilt(place: Place) -> Generation:
    """A new generation, built and live, and how it differs from the one before."""
    async with db.connect(place.database_url("reporting"), "reporting", size=2) as database:
        clock = Clock(None if place.environment == "production" else place.clock_file)
        by = By(actor="bianban", as_of=clock.now(), key=f"rebuild:{uuid7()}", reason="命令行重建")
        asked = await commands.start_rebuild(database, by, StartRebuild())
        typer.echo(f"正在重建第 {asked.number} 代报表……")
        return await until_live(database, asked.number)


async def until_live(database: Database, number: int) -> Generation:
    """Wait until a rebuild has taken over."""
    while True:
        async with database.reading() as conn:
            found = await queries.generation(conn, number)
        if found.state != "building":
            return found
        await asyncio.sleep(GLANCE)

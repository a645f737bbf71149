"""`bianban city generate` and `bianban city load`."""

import asyncio
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from deploy.city import files, loading, province
from deploy.city.city import FIRST_DAY, LAST_DAY, LEAST_EACH, LEAST_PERSONS, LEAST_UNITS, PERSONS, SEED, TODAY, UNITS, city_of
from deploy.doors import Refused, doors_of, not_done
from deploy.imports import officer
from deploy.local.place import Place, WrongPlace
from deploy.quiet import StillBusy, pulse_of
from services.roster.models.fields import SHEETS

PATIENCE = 600.0
_UNFIT = f"单位数和人数不相称。单位至少 {LEAST_UNITS} 个，人员至少 {LEAST_PERSONS} 人，平均每个单位至少 {LEAST_EACH} 人。"
app = typer.Typer(help="演示城市：生成虚构的单位和人员，装入系统。", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


class Scale(StrEnum):
    """How much is loaded, and how."""

    COUNTY = "county"
    PROVINCE = "province"


@app.command(help="生成一座虚构城市的表格（单位、编制、领导职数、人员、编外人员，以及十年间的变动）和答案 answers.csv。")
def generate(
    *,
    units: Annotated[int, typer.Option(min=1, max=1_000, help="单位数。")] = UNITS,
    persons: Annotated[int, typer.Option(min=1, max=400_000, help="在编和编外人员的总数。")] = PERSONS,
    seed: Annotated[int, typer.Option(help="种子：相同的种子得到相同的城市。")] = SEED,
    out: Annotated[Path, typer.Option(help="写入的文件夹。")],
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="以哪一天为准；默认为演示的首个业务日期。")] = None,
) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise WrongPlace(f"{out} 中已有文件，未覆盖。请另写一个文件夹。")
    except OSError as failed:
        raise not_done(failed) from None
    began, today = time.monotonic(), day.date() if day else TODAY
    if not FIRST_DAY <= today <= LAST_DAY:
        raise WrongPlace(f"日期须在 {FIRST_DAY} 至 {LAST_DAY} 之间。请另写 --date。")
    try:
        city = city_of(units, persons, seed, today)
    except ValueError:
        raise WrongPlace(_UNFIT) from None
    files.write(city, out)
    console.print(
        f"演示数据（虚构）：单位 {units} 个，人员 {persons} 人，答案 {len(city.answers)} 条，用时 {time.monotonic() - began:.1f} 秒。",
        markup=False,
    )
    console.print(f"装入：bianban city load {out}", markup=False)


@app.command(help="把生成的表格装入系统，与用户导入自己的表格走同一条路。--scale province 直接写入数据表，只供测量。")
def load(
    folder: Annotated[Path | None, typer.Argument(help="generate 写出的文件夹。")] = None,
    *,
    user: Annotated[str | None, typer.Option(help="以哪个用户办理（须有编办业务科角色）；只有一名时可不写。")] = None,
    scale: Annotated[Scale, typer.Option(help="county：装入文件夹；province：六万个单位、三百万人，只装入空的非生产系统。")] = Scale.COUNTY,
    units: Annotated[int, typer.Option(min=60, help="province 的单位数。")] = province.UNITS_OF_A_PROVINCE,
    persons: Annotated[int, typer.Option(min=2_000, help="province 的人数。")] = province.PERSONS_OF_A_PROVINCE,
) -> None:
    if (folder is None) == (scale is Scale.COUNTY):
        raise typer.BadParameter("装入文件夹时写明文件夹，装入全省规模时不写。")
    try:
        asyncio.run(_load(folder, user) if folder else _fill(units, persons))
    except (Refused, StillBusy, httpx.HTTPError, OSError) as failed:
        raise not_done(failed) from None


async def _fill(units: int, persons: int) -> None:
    began = time.monotonic()

    def tell(done_units: int, done_persons: int) -> None:
        console.print(f"  单位 {done_units} 个，人员 {done_persons} 人，{time.monotonic() - began:.0f} 秒", markup=False)

    if persons < max(LEAST_PERSONS, LEAST_EACH * units):
        raise WrongPlace(_UNFIT)
    await province.fill(Place.from_environment(), units, persons, tell)
    console.print(f"演示数据（虚构）已直接写入数据表，只供测量：没有事件，也没有其他服务的副本。用时 {time.monotonic() - began:.0f} 秒。")


async def _load(folder: Path, user: str | None) -> None:
    began = time.monotonic()
    place = Place.from_environment()
    place.ensure_invented()
    if missing := [kind for kind in SHEETS if not (folder / f"{kind}.xlsx").is_file()]:
        raise WrongPlace(f"{folder} 中没有 {missing[0]}.xlsx。请写 bianban city generate 写出的文件夹。")
    books = files.books(folder)
    async with doors_of(place) as doors:
        taken = await loading.load(doors, await officer(doors, user), books, lambda line: console.print(line, markup=False))
    async with pulse_of(place) as pulse:
        await pulse.drained(PATIENCE)
    refused = f"，拒绝 {taken.refused} 行（见 answers.csv）" if taken.refused else ""
    said = f"单位 {taken.units} 个，编制数 {taken.quotas} 行，人员 {taken.persons} 人，其中超编 {taken.over_quota} 人，已出编 {taken.history} 人次"
    console.print(f"已装入：{said}{refused}，用时 {time.monotonic() - began:.1f} 秒。", markup=False)

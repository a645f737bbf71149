"""`bianban demo`: the main job, played through the public doors alone. Any deviation ends it with what was expected and what was seen."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from rich.console import Console

from deploy import clock
from deploy.casefile.export import export
from deploy.demo import entry, lists, rectification
from deploy.demo.cast import Cast, Facts, choose
from deploy.demo.city import DIRECTOR, OFFICER, SEALER, SUPERVISOR
from deploy.demo.stage import Deviation, Stage
from deploy.doors import Refused, doors_of
from deploy.local.place import Place, WrongPlace
from deploy.quiet import StillBusy
from shared.clock import at_hour
from shared.law.notices import load_calendar, notice_files


@asynccontextmanager
async def stage_of(place: Place, console: Console) -> AsyncIterator[Stage]:
    """A stage on a running stack."""
    out = place.home / "out" / "demo"
    out.mkdir(parents=True, exist_ok=True)
    async with doors_of(place) as doors, clock.mover(place) as mover:
        yield Stage(doors, mover, load_calendar(notice_files(place.home / "calendar")), out, console)


async def play(stage: Stage) -> None:
    """The six steps. Raises Deviation."""
    began = time.monotonic()
    await _begin_in_office_hours(stage)
    cast = await choose(stage.doors)
    _introduce(stage, cast)
    facts = Facts()
    await entry.play(stage, cast)
    await rectification.turn_red(stage, cast, facts)
    await rectification.serve_notice(stage, cast, facts)
    await rectification.pass_deadline(stage, cast, facts)
    await rectification.freeze(stage, cast, facts)
    await lists.issue_lists(stage, cast, facts)
    await rectification.put_right(stage, cast, facts)
    await _trace(stage, facts)
    stage.console.print(f"\n[bold green]主线演示完成[/bold green]：{stage.checks} 项核对全部相符，用时 {time.monotonic() - began:.0f} 秒。")
    _invite(stage, cast, Place.from_environment().portal)


async def _begin_in_office_hours(stage: Stage) -> None:
    """People work in office hours: a run that finds the stack elsewhere moves on to the next working morning."""
    day = stage.today
    if stage.calendar.is_working(day) and at_hour(day, 9) <= stage.now < at_hour(day, 15):
        return
    if not stage.calendar.is_working(day) or stage.now >= at_hour(day, 15):
        day = stage.calendar.next_working_day(day)
    await stage.advance(at_hour(day, 9) + timedelta(minutes=30), "到下一个办公时间")


def _introduce(stage: Stage, cast: Cast) -> None:
    stage.console.print(
        f"[bold]海宁数智编办 · 主线演示[/bold]    演示城市“望汐市”及其单位、人员、号码均为虚构；业务时间 {stage.written(stage.now)}"
    )
    stage.tell(
        f"本次出场：{cast.school.name}（{cast.school.clerk} / {cast.school.head}），{cast.town.name}（{cast.town.clerk} / {cast.town.head}）"
    )
    stage.tell("每次演示从当前业务时间继续，登记新的人员，选用当前绿灯的单位；不改动任何规则或政策")


def _invite(stage: Stage, cast: Cast, address: str) -> None:
    """Where the same is done by hand, and as whom."""
    stage.console.print(f"\n[bold]用浏览器打开 {address}/demo-users[/bold] ，点一位虚构人员即可登录，无需密码；页面上按 ? 可看键盘操作。")
    for user, does in (
        (cast.school.clerk, "单位经办人：新建申请、预览文书、提交、补正、报送整改材料"),
        (cast.school.head, "单位负责人：待办中审签"),
        (OFFICER, "编办业务科：审核申请，查单位、人员、台账"),
        (DIRECTOR, "编办主任：核准、批量办理、决定冻结与解冻"),
        (SEALER, "用印员：登记用印，送签章"),
        (SUPERVISOR, "监督科：核实问题、签发整改通知、销号"),
    ):
        stage.console.print(f"  {user:<15} {does}")


async def _trace(stage: Stage, facts: Facts) -> None:
    stage.act(6, "追踪与案卷")
    stage.tell(
        f"本次共 {len(stage.traces)} 个请求，每个请求一条追踪（应答头 x-trace-id）；案件编号 case.id：rectification:{facts.issue}:{facts.round}"
    )
    red = next(trace for said, trace in stage.traces if said.startswith("登记超编"))
    stage.tell(f"从登记超编到亮灯的整条链路：追踪 {red}")
    for case_id in (f"rectification:{facts.issue}:{facts.round}", f"approval:{facts.pending}"):
        folder = await export(stage.doors, OFFICER, case_id, stage.out / case_id.replace(":", "-"))
        verified = await asyncio.create_subprocess_exec(sys.executable, "-I", str(folder / "verify.py"), stdout=asyncio.subprocess.PIPE)
        said, _ = await verified.communicate()
        for line in said.decode().splitlines():
            stage.tell(line)
        stage.expect(f"案卷 {case_id[:24]}… 用独立程序核验（不连接本系统）", 0, verified.returncode, quiet=True)
        stage.tell(f"案卷 {folder}，核验：python3 {folder}/verify.py")
    for path in stage.files:
        stage.tell(f"文件 {path}")


async def run(place: Place, console: Console) -> int:
    """Play on a running stack; 0 when all went as it must, 1 otherwise."""
    try:
        async with stage_of(place, console) as stage:
            await play(stage)
    except (Deviation, Refused, StillBusy) as deviation:
        console.print(f"\n[bold red]演示中断[/bold red]：{deviation}")
        return 1
    except (httpx.HTTPError, OSError) as away:
        raise WrongPlace(f"系统没有应答（{type(away).__name__}）。请先运行 bianban up，并用 bianban status 查看。") from None
    return 0


def demo() -> None:
    """演示一遍主线：用编、入编、超编、整改、冻结、督办、解冻。"""
    code = asyncio.run(run(Place.from_environment(), Console(highlight=False, soft_wrap=True)))
    sys.stdout.flush()
    os._exit(code)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)

"""`bianban chaos`: the command, its progress and its verdict in words."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from deploy.chaos.ground import free_place, place_of_chaos
from deploy.chaos.run import RECOVERY, Asked, Verdict, keep, run
from deploy.local.place import Place
from deploy.tables import Table

console = Console(highlight=False, soft_wrap=True)
PROMISES = {
    "lost": "已应答而丢失",
    "doubled": "重复生效",
    "applied_though_refused": "已拒绝而生效",
    "gaps_in_versions": "事件版本缺号",
    "events_missing_in_topics": "事件未送达消息队列",
    "events_out_of_order": "事件次序颠倒",
    "consumers_behind": "消费者未跟上",
    "dead_letters": "死信",
    "copies_that_differ": "副本与台账不一致",
    "lights_that_disagree": "灯色与台账不一致",
    "leaked_reservations": "编制被无主占用",
    "stuck_workflows": "案件卡住",
    "overdue_deadlines": "到期未触发",
    "failed_workflows": "案件异常终止",
    "server_errors": "500 应答",
    "parts_down": "部件未恢复",
    "unanswered": "始终没有应答或没有等到",
    "load_that_stopped": "负载中途停止",
    "failed_faults": "故障未能实施",
}


def chaos(
    minutes: Annotated[float, typer.Option("--minutes", min=0.2, max=24 * 60, help="负载持续的分钟数。")] = 3.0,
    seed: Annotated[int, typer.Option("--seed", help="随机种子；同一种子得到同样的故障，次序相同；请求随时机有所不同。")] = 1,
    rate: Annotated[float, typer.Option("--rate", min=0, help="每秒的人事请求数；0 为六名经办人尽力而为。")] = 0.0,
    faults: Annotated[str, typer.Option("--faults", help="只用这些故障，逗号分隔；空为全部。")] = "",
) -> None:
    """在一套专用系统上边办理业务边制造故障，最后与系统外的台账逐项核对；全部相符时退出码为 0。"""
    base = Place.from_environment()
    place_of_chaos(base)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is what is wanted
    asked = Asked(minutes, seed, tuple(name for name in faults.split(",") if name), rate)
    try:
        verdict = uvloop.run(_until_told(run(free_place(base), asked, lambda line: console.print(line, markup=False))))
    except asyncio.CancelledError:
        console.print("已中断，专用系统已停止。")
        _leave(130)
    path = keep(verdict, asked, base.home / "chaos")
    show(verdict)
    console.print(f"数据：{path}")
    _leave(0 if verdict.kept else 1)


async def _until_told(work: Coroutine[Any, Any, Verdict]) -> Verdict:
    """Ctrl-C and SIGTERM end the work, and with it all that it has started."""
    task = asyncio.ensure_future(work)
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    return await task


def show(verdict: Verdict) -> None:
    """The verdict in words."""
    figures = verdict.figures
    requests = figures["requests"]
    console.print(
        f"\n已应答 {requests.get('acknowledged', 0)}，拒绝 {requests.get('refused', 0)}，未定 {requests.get('in_doubt', 0)}；"
        f"重试过的请求 {figures['repeated']}，最长等待 {figures['longest_wait']} 秒；负载 {figures['seconds']} 秒，恢复平静用时 {figures['healed_after']} 秒"
    )
    console.print(f"故障 {sum(figures['faults'].values())} 次：{'，'.join(f'{name} {n}' for name, n in sorted(figures['faults'].items()))}")
    for reason, times in figures["skipped"].items():
        console.print(f"  跳过 {times} 次：{reason}", markup=False)
    console.print(_recovery(figures["recovery"]))
    for name, label in PROMISES.items():
        cases = verdict.findings[name]
        console.print(f"  [{'red' if cases else 'green'}]{label}：{len(cases)}[/]")
        for case in cases[:5]:
            console.print(f"      {case}", markup=False)
    console.print("[bold green]全部相符[/]" if verdict.kept else "[bold red]有不符，见上[/]")


def _recovery(parts: dict[str, dict[str, float]]) -> Table:
    table = Table(
        *("部件", "中断次数", "中断到重新就绪（中位，秒）", "最长", "重新启动到就绪（中位，秒）", "最长"),
        title=f"恢复时间（中断含故障本身持续的时间；目标：重新启动后 {RECOVERY:g} 秒以内；工作进程以连上服务器为就绪）",
    )
    for name, row in parts.items():
        colour = "red" if row["start_longest"] > RECOVERY else ""
        times = (f"{row[each]:.2f}" for each in ("median", "longest", "start_median", "start_longest"))
        table.add_row(name, f"{row['losses']:g}", *times, style=colour)
    return table


def _leave(code: int) -> None:
    sys.stdout.flush()
    os._exit(code)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)

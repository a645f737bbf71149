"""The command `bianban`: what a person types. Other areas bring their own file and are added at the foot of this one."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.areas import Areas
from deploy.local import disks, stack
from deploy.local.place import PROJECT, Place, WrongPlace, borrowed
from deploy.local.process import PortTaken, end_with_parent
from deploy.local.state import GOOD, PartState, State
from deploy.tables import Table
from shared.clock import CHINA, Clock, at_hour, business_day, to_the_minute
from shared.errors import CannotStart

DEMO_DATE = date(2026, 9, 18)
LABELS = {
    State.WAITING: "等待",
    State.STARTING: "启动中",
    State.READY: "就绪",
    State.DONE: "已完成",
    State.RESTARTING: "重启中",
    State.STOPPING: "停止中",
    State.STOPPED: "已停止",
    State.FAILED: "失败",
}
_NO_TABLE_OR_COLUMN = {"42P01", "42703"}
"""What the database answers when it is asked for what a migration has yet to make."""
_BEHIND = "数据库结构比程序旧，请先运行 bianban migrate（或 bianban up）。"
PATIENCE = 900.0
"""Seconds until everything runs, or a part again: after a crash the servers read their logs first. What cannot start is given up long before."""
Part = Annotated[str, typer.Argument(help="部件名，见 bianban status。")]

app = typer.Typer(
    cls=Areas, help="海宁数智编办：本机运行与管理。", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
console = Console(highlight=False)


@app.command(help="启动整套系统（已在运行则只等待就绪）。")
def up(
    city: Annotated[
        str | None,
        typer.Option(help="首次启动时装入的数据：demo 为演示城市（演示环境的默认），none 为空库和三类管理员各一名（生产环境的默认）。"),
    ] = None,
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="首个业务日期，仅限非生产环境的首次启动。")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="留在前台，随终端结束。")] = False,
) -> None:
    place = Place.from_environment()
    place.ensure_here()
    city = city or ("none" if place.environment == "production" else "demo")
    if city not in {"demo", "none"}:
        raise typer.BadParameter("只能是 demo 或 none", param_hint="--city")
    if city == "demo":
        place.ensure_invented()
    _ensure_leads()
    place.make_folders()
    _tell_disks(place)
    if told := borrowed(place):
        console.print(told, style="yellow", markup=False, soft_wrap=True)
    with ExitStack() as ending, stack.starting(place, _tell_other_start):
        stack.refuse_taken(place)
        _set_clock(
            place, day.date() if day else DEMO_DATE if city == "demo" and place.environment == "demo" else None, asked=day is not None
        )
        stack.ensure_keys(place)
        began = time.monotonic()
        if foreground:
            ending.enter_context(_in_front(place))
        stack.launch(place, with_parent=foreground)
        asyncio.run(stack.until_ready(place, _tell, PATIENCE))
        _ensure_migrated(place)
        _load_city(place, city)
        _renew_service_tokens(place)
        console.print(f"全部就绪，用时 {time.monotonic() - began:.1f} 秒。业务时间 {_business_time(place)}。\n页面 {place.portal}")
        _tell_archive(place)


def _tell_other_start(pid: int) -> None:
    console.print(f"另一个 bianban up（进程 {pid}）正在启动这套系统，等它结束后继续。不想等可按 Ctrl-C，它照常进行。", style="yellow")


def _ensure_leads() -> None:
    """The office's own setting of the leading sides is told wrong before anything starts: the roster would not."""
    if file := os.environ.get("ROSTER_LEADS_FILE"):
        from services.roster.queries.comparison_facts import own_leads_of  # noqa: PLC0415  most stacks have none
        from services.roster.rules.leads import LeadsWrong  # noqa: PLC0415  as above

        try:
            own_leads_of(Path(file))
        except LeadsWrong as wrong:
            raise WrongPlace(str(wrong)) from None


def _tell(part: PartState) -> None:
    if part.state in GOOD:
        console.print(
            f"  {part.name:<18}{LABELS[part.state]:　<4}{part.took or 0:6.1f} 秒{f'   127.0.0.1:{part.port}' if part.port else ''}"
        )
    else:
        console.print(f"  {part.name:<18}{LABELS[part.state]:　<4}{part.last_error}", markup=False, style="yellow")


def _ensure_migrated(place: Place) -> None:
    """A stack that ran before may be of an older build; WrongPlace where its tables are not those of this checkout."""
    from deploy.migrate import EditedMigration, not_applied  # noqa: PLC0415  most commands need no driver

    try:
        files = asyncio.run(not_applied(place))
    except EditedMigration as told:
        raise WrongPlace(str(told)) from None
    if files:
        raise WrongPlace(
            f"系统还在按更新前的程序运行：有 {len(files)} 个数据库迁移没有执行（如 {files[0]}）。请先运行 bianban down，再运行 bianban up。"
        )


def _load_city(place: Place, city: str) -> None:
    """Fill an empty system once; the loader goes through the services' own doors."""
    mark = place.home / "city"
    if mark.exists() or not (PROJECT / "deploy" / "demo" / "city.py").exists():
        return
    loaded = subprocess.run(
        [sys.executable, "-m", "deploy.demo.city", city],
        env=place.of_all_parts(),
        cwd=PROJECT,
        check=False,
        preexec_fn=end_with_parent(signal.SIGTERM, os.getpid()),  # else it would go on beside the loader of the next start
    )
    if loaded.returncode != 0:
        raise stack.StartFailed("初始数据未能装入，见上。修正后再次运行 bianban up。")
    mark.write_text(city + "\n", encoding="utf-8")


def _tell_archive(place: Place) -> None:
    """An archive stops in silence where a start forgets its variable."""
    from deploy.backup.making import archive_in_use  # noqa: PLC0415  most commands make no backup
    from deploy.local.archive import given_up  # noqa: PLC0415  as above

    if told := given_up(place, archive_in_use(place)):
        console.print(told, style="bold red", markup=False, soft_wrap=True)


def _tell_disks(place: Place) -> None:
    if full := disks.full(place):
        console.print(full, style="bold red", markup=False, soft_wrap=True)


def _renew_service_tokens(place: Place) -> None:
    """In production; elsewhere each call signs its own."""
    if place.environment == "production":
        from deploy.identity import renew_service_tokens  # noqa: PLC0415  only production needs what identity needs

        renew_service_tokens(place)


@contextmanager
def _in_front(place: Place) -> Iterator[None]:
    """From its start on, the stack lasts until it is stopped from elsewhere or by Ctrl-C."""
    try:
        yield
        while stack.supervisor(place):
            time.sleep(0.5)
    except KeyboardInterrupt:
        stack.stop(place)


def _set_clock(place: Place, day: date | None, *, asked: bool) -> None:
    """Write the offset of business time on the first start; later a date is accepted only if it is the one that holds."""
    if day is None:
        return
    if place.environment == "production":
        raise WrongPlace("生产环境不能设置业务日期。")
    if stack.has_data(place):
        if asked and business_day(Clock(place.clock_file).now()) != day:
            raise WrongPlace(f"系统中已有数据，业务日期为 {_business_time(place)}，不能改为 {day}。如要重新开始，请先运行 bianban clean。")
        return
    offset = at_hour(day, 9) - datetime.now(UTC)
    place.clock_file.write_text(f"{round(offset / timedelta(seconds=1))}\n", encoding="utf-8")


def _business_time(place: Place) -> str:
    return to_the_minute(Clock(place.clock_file).now())


@app.command(help="停止整套系统，数据保留。")
def down() -> None:
    console.print("已停止。" if stack.stop(Place.from_environment()) else "没有在运行。")


@app.command(help="停止并删除本套系统的全部数据，包括密钥（secrets），不能恢复；备份和归档不在其内。")
def clean(*, yes: Annotated[bool, typer.Option("--yes", help="不再询问。")] = False) -> None:
    place = Place.from_environment()
    if place.environment == "production" and not yes:
        typer.confirm(f"将删除 {place.home} 中的全部数据，包括密钥，确定吗？", abort=True)
    stack.stop(place)
    place.forget()
    console.print("已清除。")


@app.command(help="各部件的状态；全部正常时退出码为 0。")
def status(*, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。")] = False) -> None:
    place = Place.from_environment()
    parts = stack.published(place)
    silent, full = _silent(place, parts), disks.full(place)
    if as_json:
        more = [{"memory": part.memory(), "silent": silent.get(part.name, "")} for part in parts]
        typer.echo(json.dumps([asdict(part) | each for part, each in zip(parts, more, strict=True)], ensure_ascii=False, indent=1))
    elif parts:
        console.print(_table(parts, silent))
        for name, wrong in silent.items():
            advice = "" if full else f"请查看 bianban logs {name}，或运行 bianban restart {name}。"
            console.print(f"{name} 现在不能用：{wrong}。{advice}", style="red", markup=False, soft_wrap=True)
        for part in parts:
            if part.last_error:
                console.print(f"{part.name} 最近错误：{part.last_error}", style="yellow", markup=False, soft_wrap=True)
        console.print(f"监管进程 {stack.supervisor(place)}，数据目录 {place.home}，业务时间 {_business_time(place)}")
        _tell_archive(place)
    else:
        console.print("没有在运行。启动：bianban up")
    if not as_json:
        _tell_disks(place)
    if not parts or silent or full or any(not part.as_it_should or (part.state is State.READY and not part.process()) for part in parts):
        raise typer.Exit(1)


def _silent(place: Place, parts: list[PartState]) -> dict[str, str]:
    if not parts:
        return {}
    from deploy.local.silence import silent  # noqa: PLC0415  most commands ask no part

    return asyncio.run(silent(place, parts))


def _table(parts: list[PartState], silent: Mapping[str, str]) -> Table:
    table = Table("部件", "状态", "进程", "端口", "内存 MB", "自", "重启")
    for part in parts:
        memory = part.memory() // 2**20
        since = f"{datetime.fromtimestamp(part.since, CHINA):%m-%d %H:%M}" if part.since else ""
        numbers = (str(part.pid or ""), str(part.port or ""), str(memory or ""))
        hangs = part.name in silent
        colour = "red" if hangs or part.state is State.FAILED else "green" if part.state in GOOD else "yellow"
        table.add_row(part.name, f"[{colour}]{'不应答' if hangs else LABELS[part.state]}", *numbers, since, str(part.restarts or ""))
    return table


@app.command(help="显示一个部件的日志；-f 持续显示。")
def logs(
    part: Part,
    *,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="持续显示。")] = False,
    lines: Annotated[int, typer.Option("-n", min=0, help="最后多少行。")] = 50,
) -> None:
    log = Place.from_environment().home / "log" / f"{part}.log"
    if not log.exists():
        raise WrongPlace(f"没有名为 {part} 的日志。现有：{'、'.join(sorted(each.stem for each in log.parent.glob('*.log')))}")
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if follow else []), str(log)])  # noqa: S606, S607


@app.command(help="重启一个部件。")
def restart(part: Part) -> None:
    place = Place.from_environment()
    before = {each.name: each for each in stack.published(place)}
    if part not in before:
        raise WrongPlace(f"没有名为 {part} 的部件在运行。现有：{'、'.join(before)}")
    asyncio.run(stack.restart(place, before[part], PATIENCE))
    console.print(f"{part} 已重启。")


@app.command(help="执行数据库迁移（up 会自动执行）。")
def migrate() -> None:
    from deploy.migrate import main  # noqa: PLC0415  only this command needs the driver

    raise typer.Exit(main())


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 1."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys and numbers stand in memory: a crash writes none of it to a disk
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"  # a proxy of the office is not for the stack itself
    try:
        app()
    except (WrongPlace, stack.StartFailed, PortTaken, CannotStart) as refusal:
        _refuse(str(refusal))
    except Exception as failed:
        if getattr(failed, "sqlstate", "") not in _NO_TABLE_OR_COLUMN:
            raise
        _refuse(f"{_BEHIND}（{failed}）")


def _refuse(sentence: str) -> None:
    Console(stderr=True, highlight=False).print(sentence, style="red", markup=False, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()

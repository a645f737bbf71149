"""`bianban import roster FILE.xlsx` and `bianban template roster FILE.xlsx`. Checking is the default; writing must be asked for."""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from deploy.doors import Doors, Refused, doors_of
from deploy.imports import loading, sheets
from deploy.imports.judge import judge
from deploy.imports.rows import COLUMNS, PERSONS, UNITS, Judgement
from deploy.imports.workbook import Row, Unreadable, read
from deploy.local.place import Place, WrongPlace
from shared.auth import PERMISSIONS
from shared.clock import business_day
from shared.glossary import LABELS, Role

OPENED_AFTER = 2.0
imports = typer.Typer(help="导入单位自己的数据。", no_args_is_help=True)
templates = typer.Typer(help="导入用的空白模板。", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)
File = Annotated[Path, typer.Argument(help="Excel 工作簿 (*.xlsx)")]
User = Annotated[str | None, typer.Option(help="以哪个用户办理（须有编办业务科角色）；只有一名时可不写。")]


class Bar:
    """A progress line that shows itself only when the work lasts."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._began = label, total, time.monotonic()
        self._done, self._bar, self._task = 0, Progress(console=console, transient=True), TaskID(0)

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        if not self._bar.live.is_started and time.monotonic() - self._began > OPENED_AFTER:
            self._bar.start()
            self._task = self._bar.add_task(self._label, total=self._total)
        if self._bar.live.is_started:
            self._bar.update(self._task, completed=self._done)
        if self._done == self._total and self._bar.live.is_started:
            self._bar.stop()


@imports.command("roster", help="核对并导入机构编制实名制台账（工作表：单位、人员）。默认只核对，不写入。")
def import_roster(
    file: File,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="没有错误时写入。")] = False,
    accept_valid: Annotated[bool, typer.Option("--accept-valid", help="写入无误的行，有错误的行留下。")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只核对，不写入（默认即如此）。")] = False,
    report: Annotated[Path | None, typer.Option(help="把核对结果另存为带“核对结果”列的 xlsx。")] = None,
    user: User = None,
) -> None:
    if dry_run and (yes or accept_valid):
        raise typer.BadParameter("--dry-run 不能与 --yes 或 --accept-valid 同时使用")
    try:
        code = asyncio.run(_import(file, user, report, wanted=yes or accept_valid, tolerant=accept_valid))
    except Unreadable as unreadable:
        console.print(f"{file.name}：{unreadable}", style="red", markup=False)
        code = 2
    except (Refused, httpx.HTTPError, OSError) as failed:
        raise WrongPlace(f"未能完成：{failed}") from None
    raise typer.Exit(code)


async def _import(file: Path, user: str | None, report: Path | None, *, wanted: bool, tolerant: bool) -> int:
    rows = read(file, COLUMNS)
    document_no = f"期初建账-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
    async with doors_of(Place.from_environment()) as doors:
        user = await officer(doors, user)
        verdict, ids = await _check(doors, user, rows, document_no)
        _print(file, verdict)
        if report:
            sheets.write_report(report, rows, verdict.problems)
            console.print(f"核对结果已另存为 {report}")
        if not wanted or (verdict.errors and not tolerant):
            _say_how_to_write(file, user, verdict)
        else:
            bar = Bar("写入", len(verdict.units))
            written = await loading.write(doors, user, verdict.units, ids, document_no, bar.step)
            _print_written(written)
    return 1 if verdict.errors else 0


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


async def _check(doors: Doors, user: str, rows: dict[str, list[Row]], document_no: str) -> tuple[Judgement, dict[str, str]]:
    known = await loading.known_units(doors, user)
    codes = await loading.codes_of(doors, user)
    verdict = judge(rows, codes, business_day(doors.clock.now()), {name: unit["code"] for name, unit in known.items()})
    ids = {name: unit["id"] for name, unit in known.items()}
    bar = Bar("核对", len(verdict.units))
    await loading.compare(doors, user, verdict, ids, document_no, bar.step)
    verdict.problems.sort(key=lambda problem: (problem.sheet != UNITS, problem.row))
    return verdict, ids


def _print(file: Path, verdict: Judgement) -> None:
    total = sum(verdict.rows.values())
    console.print(f"{file.name}：{UNITS} {verdict.rows[UNITS]} 行，{PERSONS} {verdict.rows[PERSONS]} 行", markup=False)
    for problem in verdict.problems:
        label, style = ("提示", "yellow") if problem.warning else ("错误", "red")
        console.print(f"  {label}  {problem.sheet} 第 {problem.row} 行 {problem.column}：{problem.sentence}", style=style, markup=False)
    wrong, warnings = len(verdict.errors), len(verdict.problems) - len(verdict.errors)
    console.print(f"共 {total} 行，可导入 {verdict.good_rows} 行；错误 {wrong} 处，提示 {warnings} 处。")


def _say_how_to_write(file: Path, user: str, verdict: Judgement) -> None:
    console.print("以上只是核对，没有写入任何数据。")
    if not verdict.errors and verdict.good_rows:
        console.print(f"写入：bianban import roster {file} --user {user} --yes", markup=False)
    elif verdict.good_rows:
        console.print(f"请改正后重新核对；或只写入无误的行：bianban import roster {file} --user {user} --accept-valid", markup=False)


def _print_written(written: loading.Written) -> None:
    if not written.units + written.quotas + written.persons:
        console.print(f"系统中已有全部 {written.present} 行，没有改动。")
        return
    console.print(
        f"已写入：新单位 {written.units} 个，编制数 {written.quotas} 行，人员 {written.persons} 人（其中超编待定性 {written.over_quota} 人）。"
    )
    if written.present:
        console.print(f"原已存在、未改动的 {written.present} 行。")


@templates.command("roster", help="写出机构编制实名制台账的空白模板，带填写说明和下拉选项。")
def template_roster(file: File, *, user: User = None) -> None:
    if file.exists():
        raise WrongPlace(f"{file} 已存在，未覆盖。")

    async def write() -> None:
        async with doors_of(Place.from_environment()) as doors:
            sheets.write_template(file, await loading.codes_of(doors, await officer(doors, user)))

    try:
        asyncio.run(write())
    except (Refused, httpx.HTTPError, OSError) as failed:
        raise WrongPlace(f"未能完成：{failed}") from None
    console.print(f"模板已写入 {file}。填写后核对：bianban import roster {file}", markup=False)

"""`bianban audit …`: whether what was recorded is still what was sealed, and the heads to compare with those on paper."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console

from deploy.databases import ask
from deploy.local.place import WrongPlace
from services.approval.models.audited import AUDITED as OF_APPROVAL
from services.identity.models.audited import AUDITED as OF_IDENTITY
from services.monitoring.models.audited import AUDITED as OF_MONITORING
from services.roster.models.audited import AUDITED as OF_ROSTER
from shared.audit import queries
from shared.audit.models import START, Audited, Broken, Seal
from shared.clock import CHINA
from shared.db import Database
from shared.glossary import SERVICE_NAMES

AUDITED: Mapping[str, Sequence[Audited]] = {
    "identity": OF_IDENTITY,
    "roster": OF_ROSTER,
    "approval": OF_APPROVAL,
    "monitoring": OF_MONITORING,
}
WHAT = {
    "altered": "记录被改动",
    "removed": "记录被删除",
    "inserted": "记录是封存之后补插的",
    "root": "封存的散列值被改动",
    "chain": "封存链在此处断开",
    "head": "纸面上的封存值不在链中（末尾的封存被删除，或值抄录有误）",
}
Head = Annotated[list[str] | None, typer.Option("--head", help="督办清单上印的封存值，写作 服务=值，如 roster=3f2a…；可写多个。")]
app = typer.Typer(help="审计封存：核对留痕是否被改动。", no_args_is_help=True)
console = Console(highlight=False)


@app.command(help="各服务最新的封存值，写法与 verify --head 所收的相同。")
def heads() -> None:
    for service in AUDITED:
        last = ask(service, _last)
        if last.until is None:
            typer.echo(f"{SERVICE_NAMES[service]}：尚未封存。")
            continue
        typer.echo(f"{SERVICE_NAMES[service]}，第 {last.number} 次，截至 {last.until.astimezone(CHINA):%Y-%m-%d %H:%M:%S}")
        typer.echo(f"  {service}={last.head.hex()}")


@app.command(help="核对全部封存；指出被改动、删除、补插的记录。全部一致时退出码为 0，否则为 1。")
def verify(head: Head = None) -> None:
    expected = _expected(head or [])
    broken = [(service, each) for service in AUDITED for each in ask(service, _checking(service, expected.get(service, [])))]
    for service, each in broken:
        where = f"：{each.table} {each.key}" if each.table else f"：{each.key}" if each.key else ""
        console.print(f"[red]✗[/] {SERVICE_NAMES[service]} 第 {each.seal} 次封存，{WHAT[each.what]}{where}", soft_wrap=True)
    if broken:
        console.print(f"共 {len(broken)} 处不一致。请保留现场，由审计管理员核查；勿重新封存。")
        raise typer.Exit(1)
    counts = "，".join(f"{SERVICE_NAMES[service]} {ask(service, _last).number} 次" for service in AUDITED)
    console.print(f"[green]✓[/] 全部封存一致（{counts}）。")


def _expected(heads: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in heads:
        service, _, value = each.partition("=")
        if service not in AUDITED or len(value) != len(START.hex()):
            raise WrongPlace(f"--head {each} 不是 服务=64 位封存值。服务为 {'、'.join(AUDITED)} 之一。")
        found.setdefault(service, []).append(value.lower())
    return found


async def _last(database: Database) -> Seal:
    async with database.reading() as conn:
        return await queries.last(conn)


def _checking(service: str, expected: Sequence[str]) -> Callable[[Database], Awaitable[list[Broken]]]:
    async def check(database: Database) -> list[Broken]:
        async with database.reading() as conn:
            return [each async for each in queries.verify(conn, AUDITED[service], expected)]

    return check

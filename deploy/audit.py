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
from services.monitoring.queries.lists import heads_kept
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
    "leaves": "所存的各条散列值被改动或删除；各条记录本身与封存相符",
    "root": "封存的散列值被改动",
    "records": "所记的记录条数被改动；各条记录本身与封存相符",
    "chain": "封存链在此处断开",
    "head": "纸面上的封存值不在链中（末尾的封存被删除，或值抄录有误）",
}
_KEEPS = "监测督办所存的封存值"
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


@app.command(
    help="核对全部封存，并与监测督办所存的封存值比较；指出被改动、删除、补插的记录和被截去的末尾。全部一致时退出码为 0，否则为 1。"
)
def verify(head: Head = None) -> None:
    printed, kept = _expected(head or []), ask("monitoring", _kept)  # before the chains: a head that was told stands there by now
    broken = [
        (service, each)
        for service in AUDITED
        for each in ask(service, _checking(service, [*printed.get(service, []), *kept.get(service, {})]))
    ]
    for service, each in broken:
        console.print(f"[red]✗[/] {SERVICE_NAMES[service]} {_wrong(each, kept.get(service, {}))}", soft_wrap=True)
    if broken:
        console.print(f"共 {len(broken)} 处不一致。请保留现场，由审计管理员核查；勿重新封存。")
        raise typer.Exit(1)
    for service in AUDITED:
        console.print(
            f"[green]✓[/] {SERVICE_NAMES[service]} {_compared_with(kept.get(service, {}), ask(service, _last).number)}", soft_wrap=True
        )
    console.print("全部封存一致。")


def _wrong(each: Broken, kept: Mapping[str, int]) -> str:
    if each.what == "head" and each.key in kept:
        return _missing(each, kept[each.key])
    where = f"：{each.table} {each.key}" if each.table else f"：{each.key}" if each.key else ""
    return f"第 {each.seal} 次封存，{WHAT[each.what]}{where}"


def _missing(each: Broken, number: int) -> str:
    cut = f"末尾被截去，链止于第 {each.seal} 次" if number > each.seal else "此处的封存已换成别的"
    return f"第 {number} 次封存不在链中：{cut}；{_KEEPS} {each.key}"


def _compared_with(kept: Mapping[str, int], last: int) -> str:
    if not kept:
        return f"{last} 次封存链内一致；{_KEEPS}中没有这一服务的，只核对了链内。" if last else "尚未封存。"
    return f"{last} 次封存链内一致；第 {max(kept.values())} 次与{_KEEPS}相符。"


def _expected(heads: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in heads:
        service, _, value = each.partition("=")
        if service not in AUDITED or len(value) != len(START.hex()):
            raise WrongPlace(f"--head {each} 不是 服务=64 位封存值。服务为 {'、'.join(AUDITED)} 之一。")
        found.setdefault(service, []).append(value.lower())
    return found


async def _kept(database: Database) -> dict[str, dict[str, int]]:
    async with database.reading() as conn:
        return await heads_kept(conn)


async def _last(database: Database) -> Seal:
    async with database.reading() as conn:
        return await queries.last(conn)


def _checking(service: str, expected: Sequence[str]) -> Callable[[Database], Awaitable[list[Broken]]]:
    async def check(database: Database) -> list[Broken]:
        async with database.reading() as conn:
            return [each async for each in queries.verify(conn, AUDITED[service], expected)]

    return check

"""`bianban backup DIR` and `bianban restore DIR`."""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from deploy.backup.archive import give_up
from deploy.backup.making import archive_in_use, make, trim
from deploy.backup.manifest import told
from deploy.backup.restoring import Wanted, restore
from deploy.local.place import Place, WrongPlace
from shared.clock import CHINA

archive_app = typer.Typer(help="归档。", no_args_is_help=True)
FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="DIR", help="新目录或空目录，上级目录须已存在，最好在另一块磁盘上。", resolve_path=True)
    ],
    trimmed: Annotated[
        bool, typer.Option("--trim", help="备份完成后，删除归档中早于本备份的日志；更早的备份此后只能恢复到其完成的时刻。")
    ] = False,
    same_disk: Annotated[bool, typer.Option("--same-disk", help="允许放在数据或操作系统所在的磁盘上（生产环境默认不允许）。")] = False,
) -> None:
    """系统运行中做一份完整备份：数据库与文件，核对后写清单。密钥（secrets）不在其中，须另行保管。"""
    place = Place.from_environment()
    place.ensure_here()
    began = time.monotonic()
    made = make(place, target, typer.echo, same_disk=same_disk)
    typer.echo(
        f"备份完成：{target}，{made.bytes / 2**20:,.0f} MB，用时 {time.monotonic() - began:.1f} 秒，可恢复到 {told(made.ended_at)} 及以后。"
    )
    if trimmed and made.archive is not None:
        typer.echo(f"归档已清理：删除早于本备份的日志 {trim(place, target)} 个。")
    typer.echo(f"密钥不在备份中。请把 {place.home / 'secrets'} 另存一份，与备份分开保管。")
    if made.archive is None:
        typer.echo("本系统没有归档（bianban up 时未设 BIANBAN_ARCHIVE_DIR）：只能恢复到备份完成的时刻。")
    if trimmed and made.archive is None:
        raise WrongPlace("备份已完成，但没有清理归档：本系统没有归档。请去掉 --trim，或设 BIANBAN_ARCHIVE_DIR 后重启系统。")


def restore_backup(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="bianban backup 所写的目录。", exists=True, file_okay=False, resolve_path=True)
    ],
    until: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="恢复到的时刻（北京时间，真实时间）；不写则恢复到归档的末尾。")
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(help="归档目录（BIANBAN_ARCHIVE_DIR），与备份时不同时写。", exists=True, file_okay=False, resolve_path=True),
    ] = None,
    secrets: Annotated[
        Path | None, typer.Option(help="另存的 secrets 目录；不写则用 BIANBAN_HOME 中的。", exists=True, file_okay=False, resolve_path=True)
    ] = None,
) -> None:
    """把备份恢复到一个新的数据目录（BIANBAN_HOME），可指定时刻。Kafka 与 Temporal 由数据库重建；之后用 bianban up 启动。"""
    place = Place.from_environment()
    place.ensure_here()
    began = time.monotonic()
    at = until.replace(tzinfo=CHINA) if until else None
    done = restore(place, Wanted(folder, at, archive, secrets), typer.echo)
    typer.echo(
        f"已恢复到 {told(at) if at else '所存的末尾'}，最后一笔业务在 {told(done.stands_at)}；用时 {time.monotonic() - began:.1f} 秒。"
    )
    typer.echo(f"启动后将重发事件 {done.anew.events:,} 条，重开在办事项 {done.anew.cases:,} 件。")
    typer.echo("请接着：bianban up；bianban audit verify；bianban reporting rebuild；随后重新做一份备份（旧归档不再延续）。")


@archive_app.callback()
def archiving() -> None:
    """归档。"""


@archive_app.command("give-up", help="放弃已开始的归档：数据库不再为它保留日志，启动时不再提示。已归档的文件不删除。")
def give_up_archive(*, yes: Annotated[bool, typer.Option("--yes", help="不再询问。")] = False) -> None:
    place = Place.from_environment()
    place.ensure_here()
    if used := archive_in_use(place):
        raise WrongPlace(f"系统正在归档到 {used}。请先运行 bianban down，再不带变量 BIANBAN_ARCHIVE_DIR 运行 bianban up，然后重试。")
    if not yes:
        typer.confirm("放弃归档后，只能恢复到各份备份完成的时刻，确定吗？", abort=True)
    try:
        begun = asyncio.run(give_up(place))
    except (OSError, TimeoutError, asyncpg.PostgresError):
        raise WrongPlace("数据库没有应答，归档没有放弃。请先不带变量 BIANBAN_ARCHIVE_DIR 运行 bianban up，再重试。") from None
    typer.echo(f"已放弃归档{f' {begun}' if begun else ''}，其中的文件没有删除。请立即做一份新的备份。")

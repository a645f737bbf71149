"""`bianban keys …`: the keys of the sealed fields, changed while everything runs (docs/decisions/0050).

A new key is announced first, then writes, then takes over what was under the older ones; those are taken out of the ring when nothing needs them.
Each step is told by what is there, so whoever was killed runs the same command again.
"""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console

from deploy.databases import reached
from deploy.local import secret_files, stack
from deploy.local.place import Place, WrongPlace
from deploy.local.secret_files import write
from deploy.tables import Table
from services.roster.commands import keys as commands
from services.roster.queries import keys as queries
from shared.clock import CHINA, to_the_minute
from shared.crypto import FieldCipher, FieldKey, KeyRing, RingFile, Suite, new_key
from shared.db import Database
from shared.exports.shelf import Shelf
from shared.known_keys import ForeignKeys, KnownKeys

SETTLE = 2.5
"""Seconds after which every process has looked at the file again (`RingFile`)."""
GRACE_HOURS = 24
LAST_ID = 255
SEALED_FOLDERS = ("exports/roster", "documents/attachments", "evidence")
"""Where files lie that are under these keys: the roster's lists, what is brought beside applications, and in rectifications."""
SUITES = {"aes": Suite.AES, "sm4": Suite.SM4}
Answer = TypeVar("Answer")
app = typer.Typer(help="敏感字段的密钥：查看、轮换、停用。", no_args_is_help=True)
console = Console(highlight=False)


@dataclass(frozen=True)
class Keeper:
    """The secret file and what is sealed by it."""

    database: Database
    path: Path
    shelves: tuple[Shelf, ...]
    cipher: FieldCipher

    @property
    def ring(self) -> KeyRing:
        """As the file has it now."""
        return KeyRing.read(self.path.read_text(encoding="utf-8"))

    async def left(self, key_id: int) -> int:
        """How many values and indexes are not under a key yet."""
        async with self.database.reading() as conn:
            held = await queries.under_keys(conn, self.shelves)
            return sum(count for (_, other), count in held.items() if other != key_id) + await queries.without_index(conn, key_id)

    async def rows(self) -> dict[int, queries.KeyRow]:
        """What the tables know of the keys."""
        async with self.database.reading() as conn:
            return await queries.key_rows(conn)

    async def write(self, ring: KeyRing) -> None:
        """Change the file, and wait until every process has it."""
        write(self.path, ring.text())
        await asyncio.sleep(SETTLE)


def keeper(database: Database, secrets: Path, out: Path) -> Keeper:
    """The keeper of an installation's folders."""
    path = secrets / "field.keys"
    cipher = FieldCipher(RingFile(path))
    return Keeper(database, path, tuple(Shelf(out / each, cipher) for each in SEALED_FOLDERS), cipher)


async def rotate(keys: Keeper, suite: Suite, *, prepare: bool, tell: commands.Tell) -> str:
    """Begin a new key, or finish the one that was begun; answers with what was done."""
    key, said = await _next(keys, suite)
    if prepare:
        return f"{said}密钥 {key.id} 已加入密钥文件，尚未启用。请将密钥文件复制到各台主机，再运行 bianban keys rotate。"
    if keys.ring.current != key:
        await keys.write(keys.ring.writing_with(key))
    renewed = await _renew(keys, key.id, tell)
    await commands.need_key(keys.database, key.id, datetime.now(UTC))
    renewed += await _renew(keys, key.id, tell)
    await commands.complete_key(keys.database, key.id, datetime.now(UTC))
    return f"{said}全部密文均已使用密钥 {key.id}（{key.suite}），本次换新 {renewed} 处。"


async def _next(keys: Keeper, suite: Suite) -> tuple[FieldKey, str]:
    """The key to turn to: the newest one, where it is not through; else a new one."""
    ring, rows = keys.ring, await keys.rows()
    newest = max(ring.keys, key=lambda key: key.id)
    begun = rows.get(newest.id)
    other = "" if newest.suite is suite else f"（{_called(newest.suite)}，不是所选的 {_called(suite)}）"
    if ring.current != newest or (begun is not None and begun.complete_at is None):
        return newest, f"继续上次未完成的轮换{other}。"
    if await keys.left(newest.id):
        return newest, f"未生成新密钥{other}：先把仍在旧密钥下的密文换新。"
    key_id = max(newest.id, *rows, 0) + 1
    if key_id > LAST_ID:
        raise WrongPlace(f"密钥编号已用到 {LAST_ID}，不能再生成新密钥。请联系开发单位。")
    key = new_key(key_id, suite)
    await commands.begin_key(keys.database, key, getpass.getuser(), datetime.now(UTC))
    await keys.write(ring.announcing(key))
    same = "算法与现行密钥相同：只换密钥，不换算法。" if ring.current.suite is suite else ""
    return key, f"已生成密钥 {key.id}（{key.suite}）。{same}"


def _called(suite: Suite) -> str:
    return suite.split("+")[0]


async def _renew(keys: Keeper, key_id: int, tell: commands.Tell) -> int:
    """Until nothing is under another key; who holds a person just now is come back to."""
    renewed = 0
    while await keys.left(key_id):
        renewed += await commands.renew_all(keys.database, keys.cipher, keys.shelves, tell)
    return renewed


async def retire(keys: Keeper, grace: timedelta) -> str:
    """Take the older keys out of the ring. WrongPlace while something needs one of them, and before the grace is over."""
    ring = keys.ring
    await commands.drop_indexes(keys.database, [key.id for key in ring.keys])
    old = [key for key in ring.keys if key != ring.current]
    if not old:
        return "没有可停用的密钥。"
    await _ensure_through(keys, ring, grace)
    _lay_aside(keys.path.with_name("field.keys.retired"), old)
    await commands.retire_keys(keys.database, old, getpass.getuser(), datetime.now(UTC))
    await keys.write(KeyRing((ring.current,)))
    if left := await keys.left(ring.current.id):
        await keys.write(ring)
        raise WrongPlace(f"停用时又有 {left} 处写入了旧密钥，密钥已放回。请运行 bianban keys rotate，过后再停用。")
    await commands.drop_indexes(keys.database, [ring.current.id])
    return f"已停用密钥 {'、'.join(str(key.id) for key in old)}，密钥另存于 field.keys.retired（恢复旧备份时才用得到，请离线保管后删除）。"


async def _ensure_through(keys: Keeper, ring: KeyRing, grace: timedelta) -> None:
    begun = (await keys.rows()).get(ring.current.id)
    if begun is None or begun.complete_at is None:
        raise WrongPlace("轮换尚未完成，旧密钥还不能停用。请先运行 bianban keys rotate。")
    if datetime.now(UTC) < begun.complete_at + grace:
        until = (begun.complete_at + grace).astimezone(CHINA)
        raise WrongPlace(f"轮换完成后须等待 {grace / timedelta(hours=1):g} 小时，{until:%m-%d %H:%M} 之后才能停用旧密钥。")
    if left := await keys.left(ring.current.id):
        raise WrongPlace(f"还有 {left} 处在旧密钥下，不能停用。请先运行 bianban keys rotate。")


def _lay_aside(path: Path, keys: list[FieldKey]) -> None:
    """A backup from before the rotation can be read with them only."""
    there = KeyRing.read(path.read_text(encoding="utf-8")).keys if path.exists() else ()
    write(path, KeyRing((*there, *(key for key in keys if key not in there))).text())


@app.command("list", help="各密钥的状态，以及各有多少密文在其下。")
def listed() -> None:
    console.print(_with(_table))


async def _table(keys: Keeper) -> Table:
    async with keys.database.reading() as conn:
        held = await queries.under_keys(conn, keys.shelves)
        missing = {key.id: await queries.without_index(conn, key.id) for key in keys.ring.keys}
    ring, rows = keys.ring, await keys.rows()
    table = Table("编号", "算法", "状态", "启用", "换新完成", "停用", "密文", "缺索引人数")
    for key_id in sorted({*rows, *(key.id for key in ring.keys), *(key_id for _, key_id in held)}):
        key, row = ring.find(key_id), rows.get(key_id)
        suite = key.suite.value if key else row.suite if row else "—"
        state = "不在密钥文件中" if key is None else "现行" if key == ring.current else "只读"
        times = [_said(each) for each in ((row.since, row.complete_at, row.retired_at) if row else (None, None, None))]
        count = sum(held[place, other] for place, other in held if other == key_id)
        table.add_row(str(key_id), suite, state, *times, str(count), str(missing.get(key_id, "")))
    return table


def _said(at: datetime | None) -> str:
    return to_the_minute(at) if at else ""


@app.command("rotate", help="换用新密钥，并在系统运行中把全部密文换新。中断后再次运行即可继续。")
def rotate_command(
    suite: Annotated[Literal["aes", "sm4"], typer.Option(help="新密钥的算法：aes 为 AES-256-GCM，sm4 为 SM4-GCM（国密）。")] = "aes",
    *,
    prepare: Annotated[bool, typer.Option("--prepare", help="只把新密钥加入密钥文件（多台主机时先复制，再启用）。")] = False,
) -> None:
    with console.status("换新密文…") as status:
        said = _with(
            lambda keys: rotate(keys, SUITES[suite], prepare=prepare, tell=lambda done: status.update(f"换新密文… 已核 {done} 人"))
        )
    typer.echo(said)


@app.command("make", help="生成本系统所需而尚缺的全部密钥文件（数据库口令、字段与账号密钥、令牌密钥等），已有的不动。")
def make_command(
    folder: Annotated[Path | None, typer.Option("--secrets", envvar="BIANBAN_SECRETS_DIR", help="密钥目录。")] = None,
) -> None:
    place = Place.from_environment()
    folder = folder or place.secrets
    if folder.resolve() == place.home / "secrets":
        stack.ensure_keys(place)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = {each.name for each in folder.iterdir()}
    secret_files.make(folder)
    made = sorted({each.name for each in folder.iterdir()} - before)
    typer.echo(f"已写入 {folder}：{'、'.join(made)}。请另存一份。" if made else f"{folder} 中的密钥文件齐全，未作改动。")


@app.command("retire", help="停用旧密钥：确认没有密文在其下之后，从密钥文件中移出。")
def retire_command(
    grace_hours: Annotated[float, typer.Option("--grace-hours", min=0, help="轮换完成后须等待的小时数。")] = GRACE_HOURS,
) -> None:
    typer.echo(_with(lambda keys: retire(keys, timedelta(hours=grace_hours))))


def _with(work: Callable[[Keeper], Awaitable[Answer]]) -> Answer:
    place = Place.from_environment()

    async def run() -> Answer:
        async with reached(place, "roster", size=3) as database, _alone(database):
            keys = keeper(database, place.secrets, place.out)
            await KnownKeys(database, keys.cipher, keys.path.name, commands.opens).ensure()
            return await work(keys)

    try:
        return asyncio.run(run())
    except ForeignKeys as told:
        raise WrongPlace(str(told)) from None
    except OSError:
        raise WrongPlace("数据库没有应答。请先运行 bianban up。") from None


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    """One at a time: the lock goes with its connection."""
    async with database.pool.acquire() as conn:
        if not await conn.fetchval("SELECT pg_try_advisory_lock(hashtext('field.keys'))"):
            raise WrongPlace("另有一个 bianban keys 正在运行。请等它结束。")
        try:
            yield
        finally:
            await conn.execute("SELECT pg_advisory_unlock(hashtext('field.keys'))")

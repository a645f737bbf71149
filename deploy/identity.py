"""`bianban identity …` and `bianban token`: the first administrators, accounts from a file, and tokens for trying things by hand."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.databases import reached
from deploy.local.place import Place, Service, WrongPlace
from deploy.local.secret_files import write
from services.identity.commands import passwords
from services.identity.commands import rights as commands
from services.identity.commands.gate import mark_of
from services.identity.models.accounts import GrantRole, RegisterUser, SeedAdministrators
from services.identity.models.refusals import AlreadyGranted, NameTaken
from services.identity.models.sign_in import Knock
from services.identity.queries import accounts as queries
from services.identity.settings import IdentitySettings
from shared import secret_files
from shared.auth import LIFETIME, NotSignedIn, Tokens, Who, service
from shared.clock import CHINA, Clock
from shared.crypto import FieldCipher, RingFile
from shared.db import By, Database
from shared.errors import DomainError
from shared.events.envelope import uuid7
from shared.glossary import Role

PATIENCE = 60.0
LONGEST = LIFETIME // timedelta(minutes=1)
CALLERS: tuple[Service, ...] = ("approval",)
"""The services that ask another in their own name."""
YEAR, LEFT = timedelta(days=365), timedelta(days=120)
"""How long a service's token lasts, and how long before its end `bianban up` writes another."""
Answer = TypeVar("Answer")
app = typer.Typer(help="用户、角色与单位范围。", no_args_is_help=True)


class Account(BaseModel):
    """One account of a file. Units by code or id; none of both means the whole county."""

    model_config = ConfigDict(extra="forbid")

    name: str
    real_name: str
    roles: tuple[Role, ...]
    unit_codes: tuple[str, ...] = ()
    unit_ids: tuple[UUID, ...] = Field(())


async def seed_administrators(database: Database, as_of: datetime) -> list[str]:
    """Make the first administrators that are missing; the login names made."""
    by = By(actor="bianban", as_of=as_of, key=f"seed:{uuid7()}", reason="初始化管理员")
    return await commands.seed_administrators(database, by, SeedAdministrators())


async def one_time_password(database: Database, cipher: FieldCipher, user: str, as_of: datetime) -> str:
    """A one-time password for anybody, administrators too: whoever may run this has the machine."""
    by = By(actor="bianban", as_of=as_of, key=f"password:{uuid7()}", reason="在服务器上发放")
    knock = Knock("", "bianban", datetime.now(UTC))
    return await passwords.hand_out_to_anybody(database, by, knock, user, mark_of(cipher, user), knock.at + _lasts())


def _lasts() -> timedelta:
    """As long as one that an administrator hands out at the door."""
    days = os.environ.get("IDENTITY_ONE_TIME_DAYS") or str(IdentitySettings.model_fields["one_time_days"].default)
    if not days.isdecimal() or not int(days):
        raise WrongPlace("IDENTITY_ONE_TIME_DAYS 应为不小于 1 的整数。请改正后重试。")
    return timedelta(days=int(days))


async def first_passwords(database: Database, cipher: FieldCipher, as_of: datetime) -> str:
    """Make the administrators that are missing, and say with which password each signs in for the first time: here and nowhere again."""
    made = await seed_administrators(database, as_of)
    if not made:
        return "三类管理员都已存在，无需建立。"
    lines = [f"  {name:<12}{await one_time_password(database, cipher, name, as_of)}" for name in made]
    return "\n".join(["已建立三类管理员，各自的一次性密码如下：", *lines, "密码只显示这一次，首次登录时须修改。请分别交给三个人。"])


async def load_accounts(database: Database, accounts: list[Account], as_of: datetime) -> int:
    """Make the accounts of a file with their roles; what they have already stays. How many were made. Raises WrongPlace for an unknown unit."""
    made = 0
    for account in accounts:
        units = account.unit_ids + await _units_of(database, account.unit_codes)
        by = By(actor="bianban", as_of=as_of, key=f"load:{account.name}:{uuid7()}", reason="批量建立账号")
        with suppress(NameTaken):
            await commands.register_user(database, by, RegisterUser(name=account.name, real_name=account.real_name))
            made += 1
        for role in account.roles:
            with suppress(AlreadyGranted):
                await commands.grant_role(database, by.part(role), GrantRole(user=account.name, role=role, unit_ids=units or None))
    return made


async def _units_of(database: Database, codes: tuple[str, ...]) -> tuple[UUID, ...]:
    """Ids by unit code. A unit registered a moment ago is waited for: its event is on the way."""
    patience = time.monotonic() + PATIENCE
    while True:
        rows = await database.pool.fetch("SELECT code, id FROM unit_copies WHERE code = ANY($1)", list(codes))
        found: dict[str, UUID] = {row["code"]: row["id"] for row in rows}
        missing = [code for code in codes if code not in found]
        if not missing:
            return tuple(found[code] for code in codes)
        if time.monotonic() > patience:
            raise WrongPlace(f"没有代码为 {'、'.join(missing)} 的单位。请先装入单位，并确认 identity-worker 正在运行。")
        await asyncio.sleep(0.2)


def tokens(place: Place, folder: Path | None = None) -> Tokens:
    """The signer of this stack, or of the secrets in a folder. WrongPlace where the private key is not here."""
    folder = folder or place.secrets
    try:
        secret_files.read(folder / "token.key")
        return Tokens(folder / "token.pub", folder / "token.key")
    except OSError:
        raise WrongPlace("本机没有签发令牌的私钥，不能签发令牌。") from None


def renew_service_tokens(place: Place) -> None:
    """Write the tokens of services that are missing, count no more or end within 120 days. WrongPlace for one that everybody may read."""
    signer, now = tokens(place), datetime.now(UTC)
    for name in CALLERS:
        file = place.secrets / f"{name}.token"
        if not _counts_until(signer, file, now + LEFT):
            write(file, signer.issue(service(name), now, YEAR))


def _counts_until(signer: Tokens, file: Path, day: datetime) -> bool:
    try:
        return signer.ends(secret_files.read(file)) > day
    except secret_files.ReadableByAll as told:
        raise WrongPlace(str(told)) from None
    except (OSError, NotSignedIn):
        return False


def _with_database(work: Callable[[Database, datetime], Awaitable[Answer]]) -> Answer:
    place = Place.from_environment()

    async def run() -> Answer:
        async with reached(place, "identity") as database:
            clock = Clock(None if place.environment == "production" else place.clock_file)
            return await work(database, clock.now())

    try:
        return asyncio.run(run())
    except DomainError as refusal:
        raise WrongPlace(str(refusal)) from None
    except OSError:
        raise WrongPlace("身份数据库没有应答。请先运行 bianban up。") from None


def cipher_of(place: Place) -> FieldCipher:
    """What marks names at sign-in."""
    return FieldCipher(RingFile(place.secrets / "account.keys"))


@app.command(help="建立首批管理员：系统、安全、审计管理员各一名，并各显示一次性密码；已有的不动。")
def seed() -> None:
    cipher = cipher_of(Place.from_environment())
    typer.echo(_with_database(lambda database, as_of: first_passwords(database, cipher, as_of)))


@app.command(name="one-time-password", help="给一个账号（包括管理员）发放一次性密码，只显示这一次；他的会话随即结束。")
def hand_out(user: Annotated[str, typer.Argument(help="登录名。")]) -> None:
    cipher = cipher_of(Place.from_environment())
    typer.echo(_with_database(lambda database, as_of: one_time_password(database, cipher, user, as_of)))


@app.command(help="按 JSON 文件建立账号、角色与单位范围；已有的账号只补缺少的角色。")
def load(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="账号的 JSON 文件。")]) -> None:
    try:
        accounts = TypeAdapter(list[Account]).validate_json(file.read_bytes())
    except ValidationError as wrong:
        where = "、".join(dict.fromkeys(_place(each["loc"]) for each in wrong.errors()[:5]))
        raise WrongPlace(
            f"{file} 不是账号文件：{where}。每个账号写 name（登录名）、real_name（姓名）、roles（角色，可用：{'、'.join(Role)}），"
            "需要时写 unit_codes（单位代码）；放在一个 JSON 列表中。"
        ) from None
    made = _with_database(lambda database, as_of: load_accounts(database, accounts, as_of))
    typer.echo(f"新建账号 {made} 个，共 {len(accounts)} 个。")


def _place(loc: tuple[int | str, ...]) -> str:
    """Where in the file, as people count."""
    if not loc or not isinstance(loc[0], int):
        return "内容不是 JSON 列表"
    return f"第 {loc[0] + 1} 个账号{f'的 {loc[1]}' if len(loc) > 1 else ''}"


def token(
    user: Annotated[str, typer.Argument(help="登录名。")],
    minutes: Annotated[float, typer.Option(min=0.5, max=LONGEST, help="有效时长（分钟）。")] = LONGEST,
) -> None:
    """签发一枚令牌并只输出令牌本身：TOKEN=$(bianban token zhang)。到期前可用它在 identity 的 /me/token 换新的。"""

    async def who(database: Database, as_of: datetime) -> Who:
        async with database.reading() as conn:
            return await queries.who(conn, user, as_of)

    place = Place.from_environment()
    if place.environment == "production":
        raise WrongPlace("生产环境不由命令签发个人令牌：请本人登录。服务之间的令牌用 bianban service-token。")
    signer = tokens(place)
    typer.echo(signer.issue(_with_database(who), datetime.now(UTC), timedelta(minutes=minutes)))


def service_token(
    name: Annotated[Service, typer.Argument(help="服务名。")],
    secrets: Annotated[Path | None, typer.Option(envvar="BIANBAN_SECRETS_DIR", help="密钥目录；其中须有签发令牌的私钥。")] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="有效天数；到期前重新签发即可，服务无需重启。")] = YEAR.days,
    show: Annotated[bool, typer.Option("--show", help="输出令牌本身，不写文件。")] = False,
) -> None:
    """签发一个服务调用其他服务所用的令牌，写入密钥目录的 <服务名>.token（权限 0600）。生产环境用。"""
    place = Place.from_environment()
    folder = secrets or place.secrets
    issued = tokens(place, folder).issue(service(name), now := datetime.now(UTC), timedelta(days=days))
    if show:
        typer.echo(issued)
        return
    write(folder / f"{name}.token", issued)
    typer.echo(f"已写入 {folder / f'{name}.token'}，有效至 {now.astimezone(CHINA) + timedelta(days=days):%Y-%m-%d}。")

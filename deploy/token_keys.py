"""`bianban token-keys …`: the key that tokens are signed with, made, changed while everything runs, and the older ones taken out."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.local.place import Place, WrongPlace
from deploy.local.secret_files import new_token_pair, write
from shared import secret_files
from shared.auth import LIFETIME, SKEW, key_id, public_keys, signer
from shared.clock import CHINA

SETTLE = 2.0
"""Seconds after which every process on this machine has looked at the file of public keys again."""
GRACE_MINUTES = (LIFETIME + SKEW) / timedelta(minutes=1)
"""Until the last token that was signed with the key before has ended by itself."""
Folder = Annotated[Path | None, typer.Option("--secrets", envvar="BIANBAN_SECRETS_DIR", help="密钥目录。")]
app = typer.Typer(help="签发令牌的密钥：生成、轮换、停用旧钥。", no_args_is_help=True)


@app.command(help="生成第一对密钥；已有时拒绝。")
def make(secrets: Folder = None) -> None:
    folder = _folder(secrets)
    if (folder / "token.key").exists():
        raise WrongPlace("密钥已经存在。更换请用 bianban token-keys rotate。")
    public, private = new_token_pair()
    write(folder / "token.pub", public)
    write(folder / "token.key", private)
    typer.echo(f"已写入 {folder}：token.pub 分发给各服务，token.key 只留给 identity。")


@app.command(help="换用新钥。旧钥签发的令牌在 retire 之前仍然有效，使用者不受影响。")
def rotate(secrets: Folder = None) -> None:
    folder = _folder(secrets)
    present = _public(folder)
    public, private = new_token_pair()
    write(folder / "token.pub", public + present)
    time.sleep(SETTLE)  # everybody knows the new key before the first token is signed with it
    write(folder / "token.key", private)
    typer.echo(f"已换用新钥 {next(iter(public_keys(public)))}。服务在其他机器上时，请先分发 token.pub，再分发 token.key。")
    typer.echo("请用 bianban service-token 重新签发服务令牌；16 分钟后可执行 bianban token-keys retire。")


@app.command(help="停用旧钥，只留最新的一把；旧钥签发的令牌随即失效，包括尚未重新签发的服务令牌。")
def retire(
    secrets: Folder = None,
    grace_minutes: Annotated[
        float, typer.Option("--grace-minutes", min=0, help="换用新钥后须等待的分钟数。旧钥已泄露的，写 0：使用者随即要重新登录。")
    ] = GRACE_MINUTES,
) -> None:
    folder = _folder(secrets)
    newest, *older = public_keys(_public(folder)).items()
    if not older:
        typer.echo("只有一把密钥，无需停用。")
        return
    _ensure_signing(folder, newest[0])
    _ensure_over(folder, timedelta(minutes=grace_minutes))
    write(folder / "token.pub", newest[1].public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    typer.echo(f"已停用 {'、'.join(name for name, _ in older)}。")


def _ensure_signing(folder: Path, newest: str) -> None:
    """A change that was cut short has told of the newest key, and signs with the one before. Where nothing is signed there is none to finish."""
    private = folder / "token.key"
    if private.exists() and key_id(signer(secret_files.read(private)).public_key()) != newest:
        raise WrongPlace("轮换尚未完成，令牌仍由旧钥签发，不能停用。请先再次执行 bianban token-keys rotate。")


def _ensure_over(folder: Path, grace: timedelta) -> None:
    """What was signed just before the change is somebody who works. Counted from the key that signs; where none is, from those that are known."""
    file = next(each for each in (folder / "token.key", folder / "token.pub") if each.exists())
    until = datetime.fromtimestamp(file.stat().st_mtime, UTC) + grace
    if datetime.now(UTC) < until:
        raise WrongPlace(
            f"旧钥刚刚签发的令牌还有人在用，{until.astimezone(CHINA):%H:%M:%S} 之后才能停用。旧钥已泄露、须立即停用的，加 --grace-minutes 0。"
        )


def _folder(secrets: Path | None) -> Path:
    return secrets or Place.from_environment().secrets


def _public(folder: Path) -> str:
    try:
        return (folder / "token.pub").read_text(encoding="utf-8")
    except OSError:
        raise WrongPlace("没有签发令牌的密钥。请先执行 bianban token-keys make。") from None

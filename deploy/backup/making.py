"""Making a backup while everything runs: PostgreSQL's own base backup, then the kept files, checked, and at last the manifest."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psutil

from deploy.backup.kept import copy_kept, kept_size, size_of
from deploy.backup.manifest import FILE, Manifest, fingerprints
from deploy.local import postgres, stack, whole_file
from deploy.local.archive import archive_of, life
from deploy.local.place import Place, WrongPlace
from deploy.local.process import last_line

ROOM = 1.1
Tell = Callable[[str], None]


def make(place: Place, target: Path, tell: Tell, *, same_disk: bool = False) -> Manifest:
    """Raises WrongPlace; what was begun is then left for whoever looks into it, without a manifest."""
    ensure_empty(target)
    if place.environment == "production" and not same_disk:
        ensure_other_disk(place.home, target)
    began = datetime.now(UTC)
    asked = asyncio.run(_ask(place))
    ensure_room(target, int((asked.bytes + kept_size(place.home)) * ROOM))
    target.mkdir(exist_ok=True)
    target.chmod(0o700)
    tell(f"数据库 {_mb(asked.bytes)}，正在复制……")
    _base_backup(place, target, tell)
    tell("正在复制文件……")
    copy_kept(place.home, target / "kept")
    tell("正在核对……")
    verify(target)
    archive = archive_in_use(place)
    made = Manifest(
        postgres=asked.version,
        environment=place.environment,
        began_at=began,
        ended_at=datetime.now(UTC),
        life=life(place),
        archive=str(archive) if archive else None,
        bytes=size_of(target),
        keys=fingerprints(place.secrets),
        migrations=asked.migrations,
    )
    whole_file.write(target / FILE, made.model_dump_json(indent=1))
    return made


class Asked:
    """What the running server says of itself."""

    def __init__(self, version: str, size: int, migrations: dict[str, str]) -> None:
        self.version, self.bytes, self.migrations = version, size, migrations


async def _ask(place: Place) -> Asked:
    try:
        superuser = await asyncpg.connect(place.database_url("postgres"), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        raise WrongPlace("数据库没有应答，无从备份。请先运行 bianban up。") from None
    try:
        size = await superuser.fetchval("SELECT sum(pg_database_size(oid))::bigint FROM pg_database")
        rows = await superuser.fetch("SELECT schema || '/' || file AS name, sha256 FROM deploy.applied_migrations ORDER BY 1")
        version = f"{superuser.get_server_version().major}"
    finally:
        await superuser.close()
    return Asked(version, size, {row["name"]: row["sha256"] for row in rows})


def archive_in_use(place: Place) -> Path | None:
    """Where the stack that runs is archived, whatever whoever types says; as he says where nobody can be asked."""
    pid, told = stack.supervisor(place), os.environ.copy()
    with contextlib.suppress(psutil.Error):
        told = psutil.Process(pid).environ() if pid else told
    return archive_of(place, told)


def ensure_empty(target: Path) -> None:
    """Raises WrongPlace for a folder that holds anything, and where the one that it is to stand in is not there."""
    if not target.parent.is_dir():
        raise WrongPlace(f"没有文件夹 {target.parent}。请核对路径；它在另一块磁盘上的，请先挂载。")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WrongPlace(f"{target} 不是空目录。请另指一个新目录。")


def ensure_other_disk(home: Path, target: Path) -> None:
    """Raises WrongPlace on the disk of the data or of the system: there an empty mount point stands, too, whose disk is away."""
    there = target if target.exists() else target.parent
    if there.stat().st_dev in {folder.stat().st_dev for folder in (home, Path("/"))}:
        raise WrongPlace(f"{target} 在数据或操作系统所在的磁盘上：备份盘可能没有挂载。请挂载后重试；确要放在这里的，加 --same-disk。")


def ensure_room(target: Path, needed: int) -> None:
    """Raises WrongPlace when the disk is too small."""
    there = next(folder for folder in (target, *target.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise WrongPlace(f"{there} 所在磁盘剩余 {_mb(free)}，需要约 {_mb(needed)}。请腾出空间或换一个目录。")


def _base_backup(place: Place, target: Path, tell: Tell) -> None:
    """With the log written meanwhile, so that it stands on its own."""
    options = ("-D", str(target / "base"), "-X", "stream", "-c", "fast", "--manifest-checksums=SHA256", "-P")
    log = target / "base.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [*postgres.client(place, "pg_basebackup"), *options], env=postgres.client_variables(place), stdout=output, stderr=output
        )
        while _still_runs(running):
            tell(_share(log))
    if running.returncode != 0:
        raise WrongPlace(f"备份未能完成：{last_line(log)}")
    log.unlink()


def _still_runs(running: subprocess.Popen[bytes]) -> bool:
    try:
        running.wait(2.0)
    except subprocess.TimeoutExpired:
        return True
    return False


def _share(log: Path) -> str:
    """The last percentage it has told."""
    told = re.findall(r"(\d+)%", log.read_text(encoding="utf-8", errors="replace"))
    return f"  {told[-1]}%" if told else "  等待检查点……"


def verify(folder: Path) -> None:
    """Every file of the base as its own manifest says. Raises WrongPlace."""
    done = subprocess.run(postgres.command("pg_verifybackup", "-q", str(folder / "base")), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WrongPlace(f"{folder} 中的备份已损坏：{(done.stderr or done.stdout).strip().splitlines()[-1]}")


def trim(place: Place, made: Path) -> int:
    """Delete of the archive's log what lies before this backup; how many files went. Older backups lead to their own end only from now on."""
    archive = archive_in_use(place)
    if archive is None:
        return 0
    label = (made / "base" / "backup_label").read_text(encoding="utf-8")
    first = label.partition("(file ")[2].partition(")")[0]
    before = set((archive / "wal").iterdir())
    done = subprocess.run(postgres.command("pg_archivecleanup", str(archive / "wal"), first), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WrongPlace(f"归档未能清理：{done.stderr.strip()}")
    return len(before - set((archive / "wal").iterdir()))


def _mb(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"

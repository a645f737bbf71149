"""What set-up brings in is what was locked, and nothing else."""

import re
import shutil
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from deploy import jars
from deploy.local import kafka
from deploy.local.place import PROJECT

LOCK = jars.LOCKS[kafka.JARS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(kafka.JARS, tmp_path / "jars"))


def test_the_jars_are_exactly_the_locked_ones() -> None:
    for folder, lock in jars.LOCKS.items():
        assert {jar.name for jar in folder.iterdir()} == set(jars.locked(lock))


def test_a_jar_that_nobody_locked_does_not_stay(folder: Path) -> None:
    (folder / "extra-1.0.jar").write_bytes(b"not ours")

    jars.fetch(folder, LOCK)

    assert {jar.name for jar in folder.iterdir()} == set(jars.locked(LOCK))


def test_a_fetched_jar_with_another_hash_is_refused_and_does_not_stay(tmp_path: Path) -> None:
    name, (coordinate, _) = next(iter(jars.locked(LOCK).items()))
    group, artifact, version = coordinate.split(":")
    cached = tmp_path / "cache" / group.replace(".", "/") / artifact / version / name
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"not what was locked")
    context = MavenContext(repo_cache=tmp_path / "cache", local_repos=[], offline=True)

    with pytest.raises(jars.WrongJar, match=artifact):
        jars.fetch_one(context, tmp_path / name, *jars.locked(LOCK)[name])

    assert not (tmp_path / name).exists()


REQUIREMENTS = [PROJECT / "requirements.lock", PROJECT / "requirements-uv.lock"]
PINNED = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==[^ ]+( ; [^\\]+)?")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
JAR = re.compile(r"[\w.-]+(:[\w.-]+){2,3} [0-9a-f]{64}")


def test_a_lock_names_no_host() -> None:
    locks = [*jars.LOCKS.values(), *REQUIREMENTS]
    assert not [lock.name for lock in locks if "://" in lock.read_text(encoding="utf-8")]


@pytest.mark.parametrize("lock", REQUIREMENTS, ids=[lock.name for lock in REQUIREMENTS])
def test_every_package_is_pinned_and_carries_its_hashes_and_nothing_else_stands_in_a_lock(lock: Path) -> None:
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    kinds = ["".join(kind for kind, is_so in (("P", PINNED), ("H", HASH)) if is_so.fullmatch(line.removesuffix(" \\"))) for line in lines]

    assert re.fullmatch("(PH+)+", "".join(kinds))
    assert "" not in kinds


@pytest.mark.parametrize("lock", jars.LOCKS.values(), ids=[lock.name for lock in jars.LOCKS.values()])
def test_every_jar_is_pinned_with_its_hash(lock: Path) -> None:
    lines = lock.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not line.startswith("#") and not JAR.fullmatch(line)] == []

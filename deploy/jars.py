"""Set-up of Kafka and Zipkin: fetch the locked jars, refuse anything else, record Kafka's AOT cache. The only step besides pip with a network."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import MavenContext

from deploy.local import kafka, zipkin
from deploy.local.place import Place

LOCKS = {kafka.JARS: Path(__file__).parent / "local" / "kafka.lock", zipkin.JARS: Path(__file__).parent / "local" / "zipkin.lock"}
THREADS = 4
RECORDING_PORTS = 2500


class WrongJar(Exception):  # noqa: N818  named as the fact it states
    """A jar is not the one that was locked; the text names it."""


def locked(lock: Path) -> dict[str, tuple[str, str]]:
    """File name → (coordinate, SHA-256)."""
    lines = [line.split() for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {f"{'-'.join(coordinate.split(':')[1:])}.jar": (coordinate, sha256) for coordinate, sha256 in lines}


def fetch(folder: Path, lock: Path) -> None:
    """Bring the folder to exactly the locked jars. WrongJar when one that was fetched differs."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = locked(lock)
    for jar in folder.iterdir():
        if jar.name not in wanted or _sha256(jar) != wanted[jar.name][1]:
            jar.unlink()
    missing = {name: lock for name, lock in wanted.items() if not (folder / name).exists()}
    with tempfile.TemporaryDirectory(dir=folder.parent) as cache, ThreadPoolExecutor(THREADS) as threads:
        context = MavenContext(repo_cache=Path(cache), local_repos=[], timeout=60)
        list(threads.map(lambda name: fetch_one(context, folder / name, *missing[name]), missing))


def fetch_one(context: MavenContext, target: Path, coordinate: str, sha256: str) -> None:
    group, artifact, version, *classifier = coordinate.split(":")
    fetched = Path(context.project(group, artifact).at_version(version).artifact(*classifier).resolve())
    if (found := _sha256(fetched)) != sha256:
        raise WrongJar(f"{coordinate}: SHA-256 {found}，应为 {sha256}")
    shutil.move(fetched, target)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record_aot_cache() -> None:
    """Run the broker once in a throw-away home, so that Java can keep what it learned while starting."""
    half = kafka.AOT_CACHE.with_suffix(".new")
    with tempfile.TemporaryDirectory(dir=kafka.AOT_CACHE.parent) as folder:
        place = Place(Path(folder), RECORDING_PORTS, "test")
        place.make_folders()
        kafka.prepare(place)
        with (place.home / "log" / "kafka.log").open("wb") as log:
            broker = subprocess.Popen(kafka.java(place.home, f"-XX:AOTCacheOutput={half}"), env=place.variables(), stdout=log, stderr=log)
            try:
                _await_started(place.home / "log" / "kafka.log", broker)
                broker.send_signal(signal.SIGTERM)
                broker.wait(120)
            finally:
                broker.kill()
                broker.wait()
    half.rename(kafka.AOT_CACHE)


def _await_started(log: Path, broker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while b"Kafka Server started" not in log.read_bytes():
        if broker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Kafka 未能启动：{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)


def main() -> int:
    """Fetch and record; say what goes wrong in one line."""
    try:
        for folder, lock in LOCKS.items():
            fetch(folder, lock)
        kafka.AOT_CACHE.unlink(missing_ok=True)
        record_aot_cache()
    except (WrongJar, RuntimeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    os._exit(main())

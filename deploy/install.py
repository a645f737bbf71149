"""`make setup`: the virtual environment from hash-locked requirements, the command `bianban`, the jars of Kafka and Zipkin, what pages load.

The only step with a network.

Runs on the system's Python with the standard library only. Each step carries a stamp, the hash of what it was made from, and is
left alone while the stamp holds.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
VENV = PROJECT / ".venv"
CACHE = PROJECT / ".cache"
TOOLS = CACHE / "tools"
PYTHON = VENV / "bin" / "python"
PROVIDER = tuple(f"tests/identity/provider/{name}" for name in ("package-lock.json", "install.py"))
BROWSER = tuple(f"tests/portal/tools/{name}" for name in ("package-lock.json", "install.py", "unpack.mjs"))
COMMAND = """\
#!{python}
import sys

from deploy.cli import main

sys.exit(main())
"""


def main() -> int:
    """Do what is not done yet, and say what takes time."""
    CACHE.mkdir(exist_ok=True)
    try:
        step("Python 依赖 Python packages", VENV / ".stamp", ("requirements.lock", "requirements-uv.lock"), install_packages)
        locks = ("requirements.lock", "deploy/local/kafka.lock", "deploy/local/zipkin.lock", "deploy/local/kafka.py")
        step("Kafka, Zipkin", CACHE / "kafka" / ".stamp", locks, install_jars)
        step("页面部件 what pages load", CACHE / "assets" / ".stamp", ("package-lock.json", ".npmrc", "deploy/assets.py"), install_assets)
        step("测试用身份提供方 OpenID provider for tests", CACHE / "provider" / ".stamp", PROVIDER, install_provider)
        step("测试用浏览器 browser for tests", CACHE / "browser" / ".stamp", BROWSER, install_browser)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"安装失败 set-up failed: {' '.join(map(str, error.cmd))}（{error.returncode}）\n")
        return 1
    return 0


def step(name: str, stamp: Path, inputs: tuple[str, ...], work: Callable[[], None]) -> None:
    """Do the work unless its stamp says that it was done with these inputs, by this Python, in this place."""
    known = hashlib.sha256(f"{PROJECT} {sys.executable} {sys.version}".encode())
    for path in inputs:
        known.update((PROJECT / path).read_bytes())
    if stamp.exists() and stamp.read_text() == known.hexdigest():
        return
    began = time.monotonic()
    stamp.unlink(missing_ok=True)
    print(f"  {name} …", flush=True)
    work()
    stamp.write_text(known.hexdigest())
    print(f"  {name}: {time.monotonic() - began:.0f} 秒 s", flush=True)


def install_packages() -> None:
    """Bring the virtual environment to exactly what is locked: by uv, which is locked itself, or by pip where uv cannot be had."""
    if f"version = {platform.python_version()}" not in read_or_nothing(VENV / "pyvenv.cfg"):
        shutil.rmtree(VENV, ignore_errors=True)
    run(sys.executable, "-m", "venv", "--without-pip", VENV)
    if not install_by_uv():
        print("  uv 不可用，改用 pip（较慢） uv cannot be had: by pip, which is slower", flush=True)
        run(PYTHON, "-m", "ensurepip")
        run(PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", PROJECT / "requirements.lock")
    packages = sysconfig.get_path("purelib", "venv", vars={"base": str(VENV)})  # Debian's own scheme is another
    Path(packages, "bianban.pth").write_text(f"{PROJECT}\n", encoding="utf-8")
    command = VENV / "bin" / "bianban"
    command.write_text(COMMAND.format(python=PYTHON), encoding="utf-8")
    command.chmod(0o755)


def read_or_nothing(path: Path) -> str:
    """The text of a file that may not be there."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def install_by_uv() -> bool:
    """Four times as quick as pip; False when it cannot be had or fails."""
    if subprocess.call([sys.executable, "-m", "venv", TOOLS]) != 0:
        return False
    pip = (TOOLS / "bin" / "python", "-m", "pip")
    if subprocess.call([*pip, "install", "-q", "--require-hashes", "-r", PROJECT / "requirements-uv.lock"]) != 0:
        return False
    sync = (TOOLS / "bin" / "uv", "pip", "sync", "-q", "--require-hashes", "--compile-bytecode", "--python", PYTHON)
    return subprocess.call([*sync, PROJECT / "requirements.lock"], env=os.environ | as_uv_reads(pip)) == 0


def as_uv_reads(pip: tuple[str | Path, ...]) -> dict[str, str]:
    """The settings of pip (a mirror, a certificate) in the words of uv, which does not read pip's files."""
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=True).stdout
    pairs = (line.split("=", 1) for line in listed.splitlines() if "=" in line)
    settings = {name.rsplit(".", 1)[-1]: value.strip("'") for name, value in pairs}
    words = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE", "find-links": "UV_FIND_LINKS"}
    found = {uv: settings[name] for name, uv in words.items() if name in settings and uv not in os.environ}
    return {"UV_CACHE_DIR": str(CACHE / "uv"), "UV_HTTP_TIMEOUT": "180"} | found


def install_jars() -> None:
    """Fetch the locked jars and record Kafka's AOT cache."""
    run(PYTHON, "-m", "deploy.jars")


def install_assets() -> None:
    """Fetch what pages load, by npm."""
    run(PYTHON, "-m", "deploy.assets")


def install_provider() -> None:
    """Fetch the OpenID provider that the tests sign in at."""
    run(PYTHON, "-m", "tests.identity.provider.install")


def install_browser() -> None:
    """Fetch the browser of the tests, for machines that have none, and what judges pages in it."""
    run(PYTHON, "-m", "tests.portal.tools.install")


def run(*command: str | Path) -> None:
    """Run one step in the project; CalledProcessError when it fails."""
    subprocess.run(command, cwd=PROJECT, check=True)


if __name__ == "__main__":
    sys.exit(main())

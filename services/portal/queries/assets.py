"""The browser's side, read once at the start: each file under a name with the hash of its content, so that a browser may keep it for ever; icons by name."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

OURS = Path(__file__).parents[1] / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_SPRITE = "icons.svg"
_SYMBOL = re.compile(r'<symbol id="tabler-([a-z0-9-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)


@dataclass(frozen=True)
class Asset:
    """One file, as it is and compressed."""

    name: str
    kind: str
    content: bytes
    compressed: bytes


class Assets:
    """Files by their plain and by their hashed name. RuntimeError when set-up did not put them where they are looked for."""

    def __init__(self, folder: Path) -> None:
        if not (folder / _SPRITE).exists():
            raise RuntimeError(f"{folder} holds nothing of the browser's side: run `make setup`")
        read = [_read(path) for path in sorted([*folder.iterdir(), *OURS.iterdir()]) if path.suffix in TYPES and path.name != _SPRITE]
        self.paths = {plain: f"/static/{asset.name}" for plain, asset in read}
        self.files = {asset.name: asset for _, asset in read}
        self.icons = dict(_SYMBOL.findall((folder / _SPRITE).read_text(encoding="utf-8")))


def _read(path: Path) -> tuple[str, Asset]:
    content = path.read_bytes()
    name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
    return path.name, Asset(name, TYPES[path.suffix], content, gzip.compress(content, 6, mtime=0))

"""Documents (文书) as PDF/A-2b from typst templates, with Chinese fonts that come with the installation.

typst draws a missing glyph as an empty box and says nothing; so every character is looked up in the fonts first. What nobody sees (format and
control characters) comes in from other programs and is left out; a variation selector chooses among the forms of a letter, and a font may have
the one form only. Rendering is bound to the processor: call it from a thread.
"""

import hashlib
import json
import os
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

import pylopdf_fonts_zh_cn
import typst
from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]  # ships no types

ROOT = Path(__file__).parent.parent
UNSEALED = "（未签章）"
"""Stands behind the number in the name of a file that is not sealed yet."""
VARIATIONS = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))


class MissingGlyphs(ValueError):  # noqa: N818  named as the fact it states
    """No installed font draws these characters. The text names code points only: a character of a name is personal data."""

    def __init__(self, characters: frozenset[str]) -> None:
        self.characters = tuple(sorted(characters))
        self.code_points = "、".join(f"U+{ord(character):04X}" for character in self.characters)
        super().__init__(f"no glyph for {self.code_points}")


class Renderer:
    """One kept compiler with its fonts; safe to share between threads."""

    def __init__(self, font_dir: Path | None = None, mark: str = "") -> None:
        """`font_dir` holds the office's own fonts (仿宋, 楷体 …); templates prefer them where they are. `mark` stands at the head of every page."""
        self._mark = mark
        files = [pylopdf_fonts_zh_cn.sans_path(), pylopdf_fonts_zh_cn.serif_path(), *_font_files(font_dir)]
        self._drawable = VARIATIONS.union(*map(_code_points, files))
        folders = [str(folder) for folder in dict.fromkeys(file.parent for file in files)]
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
        self._compiler = typst.Compiler(root=str(ROOT), font_paths=fonts, ignore_system_fonts=True)
        self._one_at_a_time = threading.Lock()

    def pdf(self, template: Path, data: Mapping[str, Any], at: datetime) -> bytes:
        """Render a template of this project; equal data and `at` (the instant written into the file) give equal bytes.

        `data` holds JSON values and reaches the template as `sys.inputs.data`. Raises MissingGlyphs.
        """
        return self._compiled(template, data, format="pdf", pdf_standards=["a-2b"], timestamp=int(at.timestamp()))[0]

    def png(self, template: Path, data: Mapping[str, Any]) -> list[bytes]:
        """The pages as pictures, for a preview. Raises MissingGlyphs."""
        return self._compiled(template, data, format="png", ppi=110)

    def ensure_drawable(self, data: Mapping[str, Any]) -> None:
        """Before somebody decides what is printed, and can no longer change it. Raises MissingGlyphs."""
        missing = frozenset(each for each in _characters(_drawn(data)) if ord(each) not in self._drawable and not each.isspace())
        if missing:
            raise MissingGlyphs(missing)

    def _compiled(self, template: Path, data: Mapping[str, Any], **options: Any) -> list[bytes]:
        self.ensure_drawable(data)
        inputs = {"data": json.dumps(_drawn(data), ensure_ascii=False), "mark": self._mark}
        with self._one_at_a_time:
            pages = self._compiler.compile(input=str(template), sys_inputs=inputs, **options)
        return [pages] if isinstance(pages, bytes) else list(pages or [])


def sha256_hex(content: bytes) -> str:
    """The digest under which a document is filed, in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def keep_file(folder: Path, owner: UUID, content: bytes) -> str:
    """Store a PDF under its owner's id and its hash; answers the name. Blocking: call it from a thread.

    Each writer has a file of his own until it is whole and on disk, so several at once keep the same bytes and none sees half of them.
    """
    name = f"{owner}-{sha256_hex(content)[:16]}.pdf"
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix=f"{name}.", delete=False) as half:
        half.write(content)
        half.flush()
        os.fsync(half.fileno())
    Path(half.name).replace(folder / name)
    return name


def intact_file(folder: Path, name: str, sha256: str) -> bytes | None:
    """What `keep_file` stored; none when it is gone or altered. Blocking: call it from a thread."""
    file = folder / name
    content = file.read_bytes() if file.is_file() else b""
    return content if sha256_hex(content) == sha256 else None


def named_file(folder: Path, name: str) -> bytes | None:
    """The same where nobody wrote the whole hash down: the name that `keep_file` answered has the beginning of it."""
    file = folder / name
    content = file.read_bytes() if file.is_file() else b""
    return content if f"-{sha256_hex(content)[:16]}." in name else None


def _drawn(value: Any) -> Any:
    """The data without what nobody sees; keys stay."""
    if isinstance(value, str):
        return "".join(map(_seen, value))
    if isinstance(value, Mapping):
        return {name: _drawn(each) for name, each in value.items()}
    return [_drawn(each) for each in value] if isinstance(value, list | tuple) else value


def _seen(character: str) -> str:
    kind = unicodedata.category(character)
    if character in "\n\t" or kind not in {"Cc", "Cf"}:
        return character
    return " " if character.isspace() else ""


def _characters(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _characters(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _characters(each)


def _font_files(font_dir: Path | None) -> list[Path]:
    if font_dir is None:
        return []
    return sorted(file for file in font_dir.iterdir() if file.suffix.lower() in {".ttf", ".otf", ".ttc", ".otc"})


@cache
def _code_points(file: Path) -> frozenset[int]:
    """A font of some ten thousand characters takes a while, and a process has several renderers."""
    collection = file.suffix.lower() in {".ttc", ".otc"}
    fonts = TTCollection(file, lazy=True).fonts if collection else [TTFont(file, lazy=True)]
    return frozenset(code for font in fonts for code in font.getBestCmap() or ())

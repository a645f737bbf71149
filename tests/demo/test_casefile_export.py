"""What people brought goes into the case file as the service recorded it, under plain names; who may see none of it gets none."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.casefile import verify
from deploy.casefile.export import export
from deploy.doors import Doors, Refused
from shared.clock import Clock

pytestmark = pytest.mark.asyncio
PDF = b"%PDF-1.7 proof"
AT = "/applications/a1"
FILE = {"id": "f1", "name": "../任免 文件.PDF", "sha256": hashlib.sha256(PDF).hexdigest(), "brought_by": "zhu"}
GONE = FILE | {"id": "f2", "removed_at": "2036-09-18T01:00:00Z"}


@dataclass
class Played:
    """The services' answers by path; what is bytes is a file."""

    answers: dict[str, Any] = field(default_factory=lambda: {AT: {"number": "编申〔2026〕1号", "documents": [], "deadline": None}})
    clock: Clock = field(default_factory=lambda: Clock(None))

    async def get(self, _user: str, _service: str, path: str, **_: Any) -> Any:
        if path not in self.answers:
            raise Refused(403, "forbidden", "无权查看", {})
        found = self.answers[path]
        return SimpleNamespace(content=found) if isinstance(found, bytes) else SimpleNamespace(body=found)


async def exported(played: Played, folder: Path) -> dict[str, Any]:
    await export(cast("Doors", played), "officer", "approval:a1", folder)
    case: dict[str, Any] = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    return case


async def test_what_was_brought_is_in_it_and_a_changed_file_is_noticed(tmp_path: Path) -> None:
    played = Played()
    played.answers |= {f"{AT}/attachments": {"items": [FILE, GONE]}, f"{AT}/attachments/f1/file": PDF}
    case = await exported(played, tmp_path)

    assert [each.get("file") for each in case["attachments"]] == ["attachments/001.pdf", None]
    assert (case["attachments"][0]["name"], case["attachments"][1]["removed_at"]) == (FILE["name"], GONE["removed_at"])
    assert (tmp_path / "attachments" / "001.pdf").read_bytes() == PDF
    assert verify.main(tmp_path) == 0
    (tmp_path / "attachments" / "001.pdf").write_bytes(PDF + b" ")
    assert verify.main(tmp_path) == 1


async def test_a_reader_who_sees_no_people_gets_the_case_without_them(tmp_path: Path) -> None:
    case = await exported(Played(), tmp_path)

    assert case["attachments"] is None
    assert verify.main(tmp_path) == 0

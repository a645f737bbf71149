"""What people brought goes into the case file as the service recorded it, under plain names; who may see none of it gets none."""

import hashlib
import json
import stat
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.casefile import verify
from deploy.casefile.export import export
from deploy.doors import Doors, Refused
from deploy.local.place import WrongPlace
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
    lost: set[str] = field(default_factory=set)

    async def pages(self, *_: Any, **__: Any) -> list[Any]:
        return []

    async def get(self, _user: str, _service: str, path: str, **query: Any) -> Any:
        path += "".join(f"?{name}={value}" for name, value in query.items() if value is not None)
        if path in self.lost:
            raise Refused(409, "notice_damaged", "文件已损坏。", {})
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


@pytest.mark.parametrize("named", ["1", "3", "x"])
async def test_the_case_of_another_round_is_not_exported_under_its_name(tmp_path: Path, named: str) -> None:
    """Facts, deadline and notice are those of the present round."""
    played = Played({"/issues/i1": {"round": 2, "unit_id": "u1", "sealed_notices": [], "certificate": None, "number": None, "files": []}})
    played.answers["/units/u1/light"] = {"history": []}

    with pytest.raises(WrongPlace, match="第 2 轮"):
        await export(cast("Doors", played), "officer", f"rectification:i1:{named}", tmp_path)
    assert list(tmp_path.iterdir()) == []

    for case_id in ("rectification:i1", "rectification:i1:2"):
        await export(cast("Doors", played), "officer", case_id, tmp_path)
        assert json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))["facts"]["round"] == 2


async def test_the_sealed_notices_of_all_rounds_are_in_it(tmp_path: Path) -> None:
    """Must fail when it has the present one alone: the timeline tells of two."""
    sealed = [
        {"round": each, "number": f"编整〔2026〕{each}号", "sealed_sha256": hashlib.sha256(PDF + b"%d" % each).hexdigest()}
        for each in (1, 2)
    ]
    played = Played({"/issues/i1": {"round": 3, "unit_id": "u1", "sealed_notices": sealed, "certificate": None, "files": []}})
    played.answers |= {f"/issues/i1/notice?round={each}": PDF + b"%d" % each for each in (1, 2)} | {"/units/u1/light": {"history": []}}

    await export(cast("Doors", played), "officer", "rectification:i1", tmp_path)

    case = json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))
    assert [each["file"] for each in case["documents"]] == ["编整〔2026〕1号.pdf", "编整〔2026〕2号.pdf"]
    assert verify.main(tmp_path) == 0


async def test_a_notice_whose_file_is_lost_costs_the_case_that_file_alone_and_the_check_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = [{"round": each, "number": f"编整〔2026〕{each}号", "sealed_sha256": hashlib.sha256(PDF).hexdigest()} for each in (1, 2)]
    played = Played({"/issues/i1": {"round": 3, "unit_id": "u1", "sealed_notices": sealed, "certificate": None, "files": []}})
    played.answers |= {"/issues/i1/notice?round=2": PDF, "/units/u1/light": {"history": []}}
    played.lost = {"/issues/i1/notice?round=1"}

    await export(cast("Doors", played), "officer", "rectification:i1", tmp_path)

    assert "编整〔2026〕1号.pdf：文件已损坏。案卷中没有该文件" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.glob("*.pdf")) == ["编整〔2026〕2号.pdf"]
    assert verify.main(tmp_path) == 1
    assert "编整〔2026〕1号.pdf" in capsys.readouterr().out
    played.lost = set()
    with pytest.raises(Refused, match="无权查看"):
        await export(cast("Doors", played), "officer", "rectification:i1", tmp_path / "again")


async def test_every_file_of_it_is_for_its_owner_alone_in_a_folder_that_stood_open_too(tmp_path: Path) -> None:
    played, folder = Played(), tmp_path / "case"
    played.answers |= {f"{AT}/attachments": {"items": [FILE]}, f"{AT}/attachments/f1/file": PDF}
    folder.mkdir(mode=0o755)
    (folder / "case.json").touch(0o644)

    await exported(played, folder)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert modes.pop("attachments") == 0o700
    assert modes == dict.fromkeys(("case.json", "case.json.sha256", "verify.py", "001.pdf"), 0o600)


async def test_a_reader_who_sees_no_people_gets_the_case_without_them(tmp_path: Path) -> None:
    case = await exported(Played(), tmp_path)

    assert case["attachments"] is None
    assert verify.main(tmp_path) == 0

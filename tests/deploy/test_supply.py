"""What is installed is what was locked, file by file; the lists of what that is name everything."""

import base64
import csv
import hashlib
import json
import shutil
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from deploy import jars, supply
from deploy.local import zipkin
from deploy.local.place import PROJECT


def test_everything_that_is_installed_is_as_it_was_locked() -> None:
    assert list(supply.differing()) == []


def test_a_file_of_a_package_that_somebody_altered_is_named(tmp_path: Path) -> None:
    (tmp_path / "kit.py").write_text("pass\n")
    right = base64.urlsafe_b64encode(hashlib.sha256(b"pass\n").digest()).decode().rstrip("=")
    about = tmp_path / "kit-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: kit\nVersion: 1\n")
    (about / "RECORD").write_text(f"kit.py,sha256={right},5\ngone.py,sha256={right},5\nkit-1.dist-info/RECORD,,\n")
    found = PathDistribution(about)

    assert list(supply.altered(found)) == ["kit: gone.py is altered or gone"]
    (tmp_path / "kit.py").write_text("fail\n")
    assert len(list(supply.altered(found))) == 2


def test_another_jar_version_or_package_than_the_locked_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(zipkin.JARS, tmp_path / "jars"))
    (jar,) = folder.glob("*.jar")
    jar.write_bytes(b"another")
    (folder / "extra.jar").touch()
    locked = {"aiohttp": "0.1"}
    monkeypatch.setattr(jars, "LOCKS", {folder: jars.LOCKS[zipkin.JARS]})
    monkeypatch.setattr(supply, "pinned", lambda: locked)
    monkeypatch.setattr(supply, "altered", lambda _: ())

    found = list(supply.differing())
    assert {"extra.jar: not locked", f"{jar.name}: not as locked"} <= set(found)
    assert [line for line in found if line.startswith("aiohttp ") and line.endswith("locked is 0.1")]
    assert [line for line in found if line.startswith("pydantic ") and line.endswith("not locked")]


def test_the_lists_name_all_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply, "differing", lambda: ())
    assert supply.main(tmp_path) == 0

    told = json.loads((tmp_path / "sbom.cdx.json").read_text(encoding="utf-8"))
    kinds = [each["purl"].partition("/")[0] for each in told["components"]]
    assets = len(json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))["packages"]) - 1
    assert (kinds.count("pkg:pypi"), kinds.count("pkg:npm")) == (len(supply.pinned()), assets)
    assert kinds.count("pkg:maven") == sum(len(jars.locked(lock)) for lock in jars.LOCKS.values())
    assert len({each["bom-ref"] for each in told["components"]}) == len(kinds)
    with (tmp_path / "licences.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))[1:]
    assert len(rows) == len(kinds)
    elsewhere = {"colorama", "tzdata"}  # of other platforms
    assert {purl for purl, _, licence in rows if purl.startswith("pkg:pypi/") and not licence} == {
        purl for purl, _, _ in rows if purl.split("/")[1].split("@")[0] in elsewhere
    }

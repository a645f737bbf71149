"""What this program is made of, read from the locks without a network: whether what is installed is what was locked, the SBOM, the licences.

`python -m deploy.supply DIR` checks, and writes `sbom.cdx.json` (CycloneDX 1.5) and `licences.csv` there.
"""

import base64
import csv
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from deploy import jars
from deploy.local.place import PROJECT

OF_THE_VENV = {"pip", "setuptools", "wheel"}
"""What `ensurepip` brings where uv cannot be had; it installs and is not run."""
_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,-]+\])?==([^ ]+)", re.MULTILINE)
_JAR_LICENCE = re.compile(rb"<license>\s*<name>([^<]+)</name>")


@dataclass(frozen=True)
class Component:
    """One thing that was locked. `digest`: algorithm and hex, where there is one file of it."""

    purl: str
    name: str
    version: str
    licence: str
    digest: tuple[str, str] | None = None


def differing() -> Iterator[str]:
    """Each thing installed that is not what was locked: distributions by version and file, jars by SHA-256."""
    locked = pinned()
    for found in distributions():
        name = _plain(found.name)
        if name not in locked and name not in OF_THE_VENV:
            yield f"{found.name} {found.version}: not locked"
        elif name in locked and locked[name] != found.version:
            yield f"{found.name} {found.version}: locked is {locked[name]}"
        yield from altered(found)
    for folder, lock in jars.LOCKS.items():
        wanted = jars.locked(lock)
        yield from (f"{jar.name}: not locked" for jar in folder.glob("*.jar") if jar.name not in wanted)
        yield from (f"{name}: not as locked" for name, (_, sha256) in wanted.items() if not _is(folder / name, "sha256", sha256))


def altered(found: Distribution) -> Iterator[str]:
    """Files of a distribution that are not as its RECORD says."""
    for file in found.files or ():
        if file.hash is None:
            continue
        value = base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4)).hex()
        if not _is(Path(str(found.locate_file(file))), file.hash.mode, value):
            yield f"{found.name}: {file} is altered or gone"


def pinned() -> dict[str, str]:
    """Name and version of each Python package of the lock."""
    return dict(_PINNED.findall((PROJECT / "requirements.lock").read_text(encoding="utf-8")))


def components() -> list[Component]:
    """Everything that was locked: Python packages, jars, what pages load. What another platform alone would install has no licence here."""
    return [*_packages(), *_jars(), *_assets()]


def _packages() -> Iterator[Component]:
    licences = {_plain(found.name): licence_of(found) for found in distributions()}
    for name, version in pinned().items():
        yield Component(f"pkg:pypi/{name}@{version}", name, version, licences.get(name, ""))


def licence_of(found: Distribution) -> str:
    """As the package itself says it: by expression, in a line, or by its classifiers."""
    told = found.metadata
    lines = [*(told.get_all("License-Expression") or ()), *(told.get_all("License") or ()), ""]
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License ::")]
    return lines[0].strip().partition("\n")[0] or "; ".join(classified)


def _jars() -> Iterator[Component]:
    for folder, lock in jars.LOCKS.items():
        for name, (coordinate, sha256) in jars.locked(lock).items():
            group, artifact, version, *_ = coordinate.split(":")
            yield Component(f"pkg:maven/{group}/{artifact}@{version}", artifact, version, _licence_in(folder / name), ("SHA-256", sha256))


def _licence_in(jar: Path) -> str:
    """What the manifest or the POM inside says; many jars say nothing."""
    with zipfile.ZipFile(jar) as packed:
        manifest = packed.read("META-INF/MANIFEST.MF").decode(errors="replace").replace("\r", "").replace("\n ", "")
        if told := re.search(r"^Bundle-License: (.+)$", manifest, re.MULTILINE):
            return told[1].strip()
        poms = [packed.read(name) for name in packed.namelist() if re.fullmatch(r"META-INF/maven/[^/]+/[^/]+/pom\.xml", name)]
    return "; ".join(sorted({name.decode().strip() for pom in poms for name in _JAR_LICENCE.findall(pom)}))


def _assets() -> Iterator[Component]:
    locked = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for path, about in locked.items():
        if path:
            name, version = path.rpartition("node_modules/")[2], about["version"]
            sha512 = base64.b64decode(about["integrity"].removeprefix("sha512-")).hex()
            yield Component(f"pkg:npm/{name.replace('@', '%40')}@{version}", name, version, about.get("license", ""), ("SHA-512", sha512))


def sbom(found: list[Component]) -> dict[str, Any]:
    """A CycloneDX document; the same locks give the same document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "bianban"}},
        "components": [_told(each) for each in found],
    }


def _told(each: Component) -> dict[str, Any]:
    about: dict[str, Any] = {"type": "library", "bom-ref": each.purl, "name": each.name, "version": each.version, "purl": each.purl}
    if each.digest:
        about["hashes"] = [{"alg": each.digest[0], "content": each.digest[1]}]
    if each.licence:
        about["licenses"] = [{"license": {"name": each.licence}}]
    return about


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is(path: Path, algorithm: str, digest: str) -> bool:
    return path.exists() and hashlib.new(algorithm, path.read_bytes()).hexdigest() == digest


def main(folder: Path) -> int:
    """Write both lists; 1 where something is not as it was locked."""
    folder.mkdir(parents=True, exist_ok=True)
    found = components()
    (folder / "sbom.cdx.json").write_text(json.dumps(sbom(found), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with (folder / "licences.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("组件", "版本", "许可证"), *((each.purl, each.version, each.licence) for each in found)])
    wrong = list(differing())
    for line in wrong:
        sys.stderr.write(f"✗ {line}\n")
    print(f"{folder}：sbom.cdx.json、licences.csv，组件 {len(found)} 个；与锁定不符 {len(wrong)} 处。")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""What a stack writes beside its servers is there whole or not at all; what an older program left empty is made anew or passed over."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local import archive, kafka, secret_files, stack, state, whole_file
from deploy.local.place import Place
from deploy.local.state import PartState


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, 0, "test")
    made.make_folders()
    return made


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the disk, in its order; it is done too."""
    order: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(handle: int) -> None:
        order.append("fsync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"fsync {os.fstat(handle).st_size}")
        fsync(handle)

    def noted_rename(half: Path, target: Path) -> Path:
        order.append(f"rename {target.name}")
        return rename(half, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    return order


def test_a_secret_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, done: list[str]) -> None:
    secret_files.write(tmp_path / "field.keys", "keys")

    assert done == ["fsync 4", "rename field.keys", "fsync folder"]
    assert [each.name for each in tmp_path.iterdir()] == ["field.keys"]
    assert stat.S_IMODE((tmp_path / "field.keys").stat().st_mode) == 0o600


def test_so_are_the_marks_of_a_home(tmp_path: Path, done: list[str]) -> None:
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    kafka.prepare(place)
    archive.life(place)

    assert [each for each in done if each.startswith("rename")] == ["rename environment", "rename meta.properties", "rename life"]
    assert done.count("fsync folder") == 3


def test_a_disk_that_is_full_leaves_the_file_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_file.write(tmp_path / "file", "before")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        whole_file.write(tmp_path / "file", "after")

    assert (tmp_path / "file").read_text() == "before"


def test_the_environment_is_written_once(place: Place) -> None:
    mark = place.home / "environment"
    os.utime(mark, ns=(1, 1))

    place.make_folders()

    assert (mark.read_text(), mark.stat().st_mtime_ns) == ("test\n", 1)


def test_identities_that_were_left_empty_are_made_anew_and_others_stay(place: Place) -> None:
    identity, life = place.home / "kafka" / "data" / "meta.properties", place.home / "pg" / "life"
    for file in (identity, life):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    kafka.prepare(place)
    first = (identity.read_text(), archive.life(place))
    kafka.prepare(place)

    assert "cluster.id=" in first[0]
    assert first[1]
    assert (identity.read_text(), archive.life(place)) == first


@pytest.mark.parametrize("left", ["", "\0" * 40, '{"supervisor": 1, "par'], ids=["empty", "noughts", "half"])
def test_a_state_that_was_left_empty_or_half_says_nothing(place: Place, left: str) -> None:
    state.write(place.state_file, [PartState("postgres")])
    assert state.read(place.state_file) == (os.getpid(), [PartState("postgres")])
    place.state_file.write_text(left)

    assert state.read(place.state_file) == (None, [])
    assert stack.published(place) == []
    assert stack.stop(place) is False

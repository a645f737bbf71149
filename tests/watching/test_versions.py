"""Which versions run: our own in whatever kind of checkout, and what Temporal tells."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client

from shared.versions import OURS, of_temporal, ours
from workflows.worker import worker

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def tree(folder: Path, **files: str) -> Path:
    (folder / "pyproject.toml").write_text('[project]\nversion = "2.3.4"\n', encoding="utf-8")
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_git", ".git")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "files",
    [
        {"_git__HEAD": COMMIT},
        {"_git__HEAD": "ref: refs/heads/main", "_git__refs__heads__main": COMMIT},
        {
            "_git__HEAD": "ref: refs/heads/main",
            "_git__packed-refs": f"# pack-refs with: peeled\n{'f' * 40} refs/heads/other\n{COMMIT} refs/heads/main",
        },
    ],
    ids=["detached", "loose", "packed"],
)
def test_our_version_is_read_from_the_checkout(tmp_path: Path, files: dict[str, str]) -> None:
    found = ours(tree(tmp_path, **files))

    assert (found.number, found.commit) == ("2.3.4", COMMIT[:12])


def test_a_worktree_is_a_checkout_too_and_a_copied_tree_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "other").mkdir()
    files = {
        "_git__worktrees__w__HEAD": "ref: refs/heads/main",
        "_git__worktrees__w__commondir": "../..",
        "_git__refs__heads__main": COMMIT,
    }
    main = tree(tmp_path / "main", **files)
    worktree = tree(tmp_path / "other", _git=f"gitdir: {main}/.git/worktrees/w")

    assert ours(worktree).commit == COMMIT[:12]
    (worktree / ".git").unlink()
    assert ours(worktree).commit == ""


def test_ours_is_known() -> None:
    assert OURS.number


@pytest.mark.asyncio
async def test_temporal_tells_its_version_and_who_runs_workflows(temporal: Client) -> None:
    queue = f"versions-{uuid4()}"
    nobody = await of_temporal(temporal, queue)
    async with worker(temporal, queue):
        for _ in range(600):
            if (found := await of_temporal(temporal, queue)) and found.builds:
                break
            await asyncio.sleep(0.1)

    assert nobody is not None
    assert found is not None
    assert (nobody.builds, nobody.server, len(found.builds)) == ((), found.server, 1)
    assert found.server[0].isdigit()


@pytest.mark.asyncio
async def test_nothing_is_told_of_a_temporal_that_is_away() -> None:
    assert await of_temporal(await Client.connect("127.0.0.1:1", lazy=True)) is None

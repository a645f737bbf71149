"""Ports that the kernel lends to others."""

from pathlib import Path

import pytest

from deploy.local import place
from deploy.local.place import Place, borrowed


@pytest.mark.parametrize(("offset", "told"), [(0, ""), (13674, ""), (13675, "端口 32768在"), (15000, "端口 33100 等 12 个")])
def test_ports_that_the_kernel_hands_out_are_named_before_one_is_found_taken(
    offset: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "range").write_text("32768\t60999\n")
    monkeypatch.setattr(place, "EPHEMERAL", tmp_path / "range")

    said = borrowed(Place(tmp_path, offset, "test"))

    assert said.startswith(told)
    assert bool(said) is bool(told)
    assert not said or "请取 13674 或更小" in said

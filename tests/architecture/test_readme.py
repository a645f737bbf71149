"""Both READMEs say the same: headings, commands, links that lead somewhere, the map."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = (ROOT / "README.md").read_text(), (ROOT / "README.zh.md").read_text()


def commands(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def links(text: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("README")]


def test_both_readmes_have_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(CHINESE)


def test_both_readmes_have_the_same_headings_in_number_and_level() -> None:
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (ENGLISH, CHINESE)]

    assert levels[0] == levels[1]


def test_both_readmes_link_to_the_same_places_and_each_exists() -> None:
    assert links(ENGLISH) == links(CHINESE)
    assert [link for link in links(ENGLISH) if not (ROOT / link).exists()] == []


def test_every_make_target_named_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {line.split()[1] for block in commands(ENGLISH) for line in block.splitlines() if line.startswith("make ")} <= targets


def test_the_readme_says_that_the_city_is_invented() -> None:
    assert "no office stands behind this project" in ENGLISH
    assert "纯属虚构" in CHINESE

"""Terms: every member of every list of codes has its one Chinese label."""

from collections import Counter
from enum import StrEnum

from shared import glossary

ENUMS = [found for found in vars(glossary).values() if isinstance(found, type) and issubclass(found, StrEnum) and found is not StrEnum]
MEMBERS = [member for enum in ENUMS for member in enum]


def test_every_member_has_a_label_and_there_are_no_others() -> None:
    assert sorted(glossary.LABELS) == sorted(MEMBERS)
    assert all(label.strip() for label in glossary.LABELS.values())


def test_no_code_stands_in_two_lists() -> None:
    """Members are texts: two of one code would be one key of LABELS, and one of them would show the other's label."""
    assert [code for code, count in Counter(member.value for member in MEMBERS).items() if count > 1] == []


def test_no_label_is_used_twice() -> None:
    assert [label for label, count in Counter(glossary.LABELS.values()).items() if count > 1] == []

"""How far consumers are behind: where topics end, as their publishers tell, less where the consumers stand, as theirs do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Lag:
    """Events of one topic that one consumer has still to handle; None where nobody told how far the topic reaches."""

    consumer: str
    topic: str
    events: int | None


def lags(told: Iterable[Mapping[str, Any]]) -> list[Lag]:
    """By consumer and topic, from what each service told."""
    answers = list(told)
    ends: dict[str, dict[int, int]] = {}
    for each in (row for answer in answers for row in answer["ends"]):
        ends.setdefault(each["topic"], {})[each["partition"]] = each["next_offset"]
    stands: dict[tuple[str, str], dict[int, int]] = {}
    for each in (row for answer in answers for row in answer["consumed"]):
        stands.setdefault((each["consumer"], each["topic"]), {})[each["partition"]] = each["next_offset"]
    return [Lag(consumer, topic, _behind(ends.get(topic), at)) for (consumer, topic), at in sorted(stands.items())]


def _behind(ends: Mapping[int, int] | None, at: Mapping[int, int]) -> int | None:
    return None if ends is None else sum(max(0, end - at.get(partition, 0)) for partition, end in ends.items())

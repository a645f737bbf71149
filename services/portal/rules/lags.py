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


def unread(at: Iterable[Mapping[str, Any]], parked: int, publishers: Iterable[Mapping[str, Any]]) -> int:
    """Events that the figures of one service do not hold yet: beyond where its consumer stands (`at`), not sent by who publishes them, or parked by itself."""
    told, stands = list(publishers), {(each["topic"], each["partition"]): int(each["next_offset"]) for each in at}
    ends = [(row["topic"], row["partition"], int(row["next_offset"])) for each in told for row in each["ends"]]
    behind = sum(max(0, end - stands.get((topic, partition), 0)) for topic, partition, end in ends)
    return behind + sum(int(each["unsent"]) for each in told) + parked


def _behind(ends: Mapping[int, int] | None, at: Mapping[int, int]) -> int | None:
    return None if ends is None else sum(max(0, end - at.get(partition, 0)) for partition, end in ends.items())

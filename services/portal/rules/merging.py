"""Several lists as one: each service orders its own by the same key, so that a page of all is a merge, and its cursor is all their cursors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

_LAST = "9999"
_KEYS = {"due": "due_at", "submitted": "submitted_at", "unit": "unit", "type": "type", "asked": "asked_at"}


@dataclass(frozen=True)
class Merged:
    """One page of several lists, and the cursor of the next; empty where there is none."""

    items: list[Mapping[str, Any]]
    next: str


def cursors(after: str, names: Sequence[str]) -> dict[str, str]:
    """Where each list goes on: `~` divides them, in the order of the names. A cursor of another form begins at the beginning."""
    parts = after.split("~")
    return dict(zip(names, parts, strict=True)) if len(parts) == len(names) else dict.fromkeys(names, "")


def merged(pages: Mapping[str, Mapping[str, Any]], before: Mapping[str, str], sort: str, limit: int) -> Merged:
    """The first `limit` lines of all lists together. Each page holds the beginning of what is left of its list, `limit` lines at most.

    A line that may move brings its own cursor; of the others it is their id.
    """
    descending, key = sort.startswith("-"), _KEYS.get(sort.removeprefix("-"), "due_at")
    lists = [[(_key(item, key), name, item) for item in page["items"]] for name, page in pages.items()]
    lines = list(merge(*lists, key=lambda each: each[0], reverse=descending))[:limit]
    reached = dict(before)
    for _, name, item in lines:
        reached[name] = str(item.get("cursor") or item["id"])
    taken = {name: sum(1 for _, whose, _ in lines if whose == name) for name in pages}
    more = any(page["next"] or len(page["items"]) > taken[name] for name, page in pages.items())
    return Merged([item for _, _, item in lines], "~".join(reached[name] for name in before) if more else "")


def _key(item: Mapping[str, Any], key: str) -> str:
    """Instants come as text that is ordered as they are; a term that is not known yet stands last."""
    if key == "due_at":
        return str(item.get("due_at") or (item.get("term") or {}).get("due_at") or _LAST)
    return str(item[key])

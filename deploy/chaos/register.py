"""What the acknowledged lines say about people's posts, unit by unit, against the register itself."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from deploy.chaos.ledger import Line
from shared.db import Connection

TAKING, LEAVING = ("place", "transfer", "over_quota"), "release"
_PLACEMENTS = """
    SELECT placement_id::text AS id, person_id::text AS person, unit_id::text AS unit, upper_inf(during) AS open
    FROM roster.placements WHERE upper_inf(recorded) AND (person_id = ANY($1::uuid[]) OR placement_id = ANY($2::uuid[]))
"""


@dataclass(frozen=True)
class Post:
    """One placement as it must stand at the end."""

    person: str
    unit: str
    open: bool


def replayed(lines: Iterable[Line]) -> dict[str, Post]:
    """The placements of all that was acknowledged, by their ids. Nobody but one user touches a person, so the order of the lines is that of the deeds."""
    posts: dict[str, Post] = {}
    last: dict[str, str] = {}
    for line in (each for each in lines if each.outcome == "acknowledged"):
        if line.kind in TAKING:
            person, id_ = line.about["person"], line.answer["placement_id"]
            if person in last:
                posts[last[person]] = replace(posts[last[person]], open=False)
            posts[id_], last[person] = Post(person, line.about["unit"], open=True), id_
        elif line.kind == LEAVING and line.about["placement"] in posts:
            posts[line.about["placement"]] = replace(posts[line.about["placement"]], open=False)
    return posts


async def compare_register(owner: Connection, lines: list[Line]) -> tuple[list[str], list[str]]:
    """Placements that are missing or stand otherwise than acknowledged; and those that nobody was told of. Who has an unanswered request is left out."""
    doubtful = {line.about.get("person") for line in lines if line.outcome == "in_doubt"}
    due = {id_: post for id_, post in replayed(lines).items() if post.person not in doubtful}
    people = {line.about["person"] for line in lines if line.kind in TAKING} - doubtful
    rows = await owner.fetch(_PLACEMENTS, [*people], [*due])
    told = {row["id"]: Post(row["person"], row["unit"], row["open"]) for row in rows}
    lost = [f"placement {id_}: {told.get(id_)} instead of {post}" for id_, post in due.items() if told.get(id_) != post]
    return lost, [f"placement {id_}: {post}, which nobody was told of" for id_, post in told.items() if id_ not in due]

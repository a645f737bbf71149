"""What a verdict must not rest on: a load that had stopped, and requests of which nobody knows what became of them."""

from deploy.chaos.ledger import Line

ACTORS = {
    "register": {"place", "transfer"},
    "clerk": {"submit", "decide", "withdraw", "resubmit", "release_document"},
    "inspector": {"over_quota", "confirmation", "dismissal", "notice_release", "service", "evidence", "acceptance"},
}
"""What each kind of actor alone asks for."""
LONG_ENOUGH = 300.0
"""Of a shorter run the last quarter may be one outage."""


def acknowledged(lines: list[Line]) -> dict[str, list[float]]:
    """When each kind of actor was acknowledged something."""
    heard = [line for line in lines if line.outcome == "acknowledged"]
    return {actor: [line.at for line in heard if line.kind in kinds] for actor, kinds in ACTORS.items()}


def load_that_stopped(lines: list[Line], seconds: float) -> list[str]:
    """Kinds of actors without an acknowledged line in the last quarter of the load."""
    if seconds < LONG_ENOUGH:
        return []
    last = {actor: max(times, default=0.0) for actor, times in acknowledged(lines).items()}
    return [f"{actor}: nothing after {at:.0f} of {seconds:.0f} seconds" for actor, at in last.items() if at < 0.75 * seconds]


def unanswered(lines: list[Line]) -> list[str]:
    """Requests without an answer, what was waited for and never seen, and actors that had to be cancelled."""
    return [f"{line.kind} {line.key} {line.code} {line.about}" for line in lines if line.outcome == "in_doubt"]

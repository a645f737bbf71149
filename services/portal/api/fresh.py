"""How fresh figures are: what their service has not taken in yet of what others told, from where topics end and where it stands."""

from collections.abc import Mapping
from typing import Any

from services.portal.rules.lags import unread

PUBLISHERS = {"reporting": ("roster", "approval", "monitoring"), "monitoring": ("roster", "approval", "identity")}
"""Of whom each service that keeps figures of others reads."""
_POSITIONS = "/upkeep/positions"


def asked_of_sources(reader: str) -> dict[str, tuple[str, str]]:
    """What a page asks besides its cards (`Page.get_each`), to say how fresh they are."""
    live = {"live": ("reporting", "/figures/as-of")} if reader == "reporting" else {}
    return {each: (each, _POSITIONS) for each in (reader, *PUBLISHERS[reader])} | live


def unread_by(reader: str, cards: Mapping[str, Any]) -> int | None:
    """How many events the figures of a service do not hold; None where somebody who knows did not answer."""
    if any(cards[name] is None for name in asked_of_sources(reader)):
        return None
    own = cards[reader]
    at = cards["live"]["positions"] if "live" in cards else [each for each in own["consumed"] if each["consumer"] == reader]
    return unread(at, int(own["parked"]), [cards[each] for each in PUBLISHERS[reader]])

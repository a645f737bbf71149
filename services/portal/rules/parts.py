"""Which versions run, from what each service told of itself and of its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parts:
    """Of each part what was told of it, once each. `differ`: two services run from different trees."""

    postgresql: list[str]
    temporal: list[str]
    builds: list[str]
    differ: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Parts":
        """From the answers of `/upkeep/parts` among what was told; a service that did not answer is passed over."""
        found = [each for name, each in told.items() if name.endswith("/upkeep/parts") and each]
        builds = {build for each in found for build in each["builds"]}
        return cls(
            sorted({each["postgresql"] for each in found}),
            sorted({each["temporal"] for each in found if each["temporal"]}),
            sorted(builds),
            len({(each["number"], each["commit"]) for each in found}) > 1,
        )

"""`python -m tests.contracts.parser.install`: npm (of a wheel) installs what `package-lock.json` holds, without scripts, into `.cache/asyncapi`.

By hand, once: 54 MB for one test are too much for everybody's set-up.
"""

from pathlib import Path

from deploy.local.place import CACHE
from tests.identity.provider import install as provider

HERE, PLACE, NODE = Path(__file__).parent, CACHE / "asyncapi", provider.NODE


if __name__ == "__main__":
    provider.install(HERE, PLACE)

"""`python -m tests.roster.rotating URL SECRETS OUT SUITE`: a rotation in a process of its own, which a test kills. Tells each batch it has done."""

import asyncio
import sys
from pathlib import Path

from deploy import keys
from services.roster.commands import keys as commands
from shared import db
from shared.crypto import Suite


async def main(url: str, secrets: str, out: str, suite: str) -> None:
    commands.PERSONS = 3
    async with db.connect(url, "roster", size=2) as database:
        keeper = keys.keeper(database, Path(secrets), Path(out))
        await keys.rotate(keeper, Suite(suite), prepare=False, tell=tell)


def tell(done: int) -> None:
    sys.stdout.write(f"{done}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

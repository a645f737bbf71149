"""Commands as somebody types them, at the doors of the test's own roster."""

import asyncio
from collections.abc import Callable
from typing import Any, cast
from unittest.mock import patch

from typer.testing import CliRunner, Result

from deploy import cli, codes
from deploy.doors import Doors as Asked
from deploy.doors import Refused
from deploy.local.place import Place, WrongPlace
from shared.auth import Who
from shared.db import Database
from shared.glossary import Role
from tests.roster.doors import Doors

ROLES = {"officer": Role.BUSINESS_OFFICER, "director": Role.OFFICE_DIRECTOR}


class AtTest(Asked):
    """Everybody has the role of his name."""

    async def who(self, user: str) -> Who:
        return Who(f"{user}-typed", frozenset({ROLES[user]}))


def at(doors: Doors, stack: Place, loop: asyncio.AbstractEventLoop) -> Callable[[Callable[[Asked], Any]], Any]:
    """Instead of `at_doors`: in the loop of the test, from the thread of the command."""
    asked = AtTest(stack, doors.http, cast("Database", None), doors.tokens)

    def work_at(work: Callable[[Asked], Any]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(work(asked), loop).result()
        except Refused as refused:
            raise WrongPlace(refused.sentence) from None

    return work_at


async def typed(*arguments: str, told: str | None = None) -> Result:
    """What a command answers; `told`: what is typed where it asks. The roster runs in the same process: what it logs is not the command's."""
    with patch("shared.traces._tell"), patch.object(codes.console, "_width", 400):
        return await asyncio.to_thread(CliRunner().invoke, cli.app, list(arguments), input=told, env={"COLUMNS": "400"})

"""`bianban audit` on the running system: after the stories everything is as it was sealed; one altered record is named."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT

import asyncpg
import pytest

from deploy.local.place import PROJECT, Place
from shared.audit.commands import EVERY, MARGIN

_SEALED = (
    "SELECT keys[1] AS record, encode(head, 'hex') AS head FROM roster.audit_leaves JOIN roster.audit_seals ON number = seal"
    " WHERE source = 'event_log' ORDER BY seal LIMIT 1"
)
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def said(place: Place, *words: str) -> tuple[int | None, str]:
    variables = os.environ | place.variables() | {"COLUMNS": "200"}
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "audit", *words), cwd=PROJECT, env=variables, stdout=PIPE, stderr=STDOUT
    )
    text, _ = await run.communicate()
    return run.returncode, text.decode()


async def test_what_was_recorded_is_as_it_was_sealed_and_an_altered_record_is_named(whole: Place) -> None:
    owner = await asyncpg.connect(whole.database_url("bianban"))
    async with asyncio.timeout(2 * (EVERY + MARGIN)):
        while not (sealed := await owner.fetchrow(_SEALED)):  # noqa: ASYNC110  another process seals
            await asyncio.sleep(1)
    assert (await said(whole, "verify", "--head", f"roster={sealed['head']}"))[0] == 0

    change = "UPDATE roster.event_log SET actor = actor || $2 WHERE event_id = $1::text::uuid"
    assert await owner.execute(change, sealed["record"], "x") == "UPDATE 1"
    code, text = await said(whole, "verify")
    await owner.execute("UPDATE roster.event_log SET actor = left(actor, -1) WHERE event_id = $1::text::uuid", sealed["record"])
    await owner.close()

    assert code == 1
    assert f"记录被改动：event_log {sealed['record']}" in text

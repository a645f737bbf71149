"""`bianban keys` on the running system: everybody's number is read by HTTP all the while, and nothing is left under the old key."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest

from deploy.identity import tokens
from deploy.local.place import PROJECT, Place
from shared.auth import Who
from shared.crypto import KeyRing, Suite
from shared.glossary import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def said(place: Place, *words: str) -> tuple[int | None, str]:
    variables = os.environ | place.variables() | {"COLUMNS": "200"}
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "keys", *words), cwd=PROJECT, env=variables, stdout=PIPE, stderr=STDOUT
    )
    text, _ = await run.communicate()
    return run.returncode, text.decode()


async def reading_on(place: Place, units: list[str], answers: list[int]) -> None:
    """One unit's people after the other, for ever."""
    token = tokens(place).issue(Who("reader", frozenset({Role.BUSINESS_OFFICER})), datetime.now(UTC))
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers={"authorization": f"Bearer {token}"}) as http:
        while True:
            for unit_id in units:
                answer = await http.get(f"http://127.0.0.1:{place.port('roster')}/units/{unit_id}/persons", params={"limit": 20})
                answers.append(answer.status_code)


async def test_keys_change_while_the_system_is_read(whole: Place) -> None:
    conn = await asyncpg.connect(whole.database_url("roster"))
    units = [
        str(row["unit_id"]) for row in await conn.fetch("SELECT unit_id FROM roster.placements GROUP BY 1 ORDER BY count(*) DESC LIMIT 20")
    ]
    people = await conn.fetchval("SELECT count(*) FROM roster.person_records")
    answers: list[int] = []
    reader = asyncio.create_task(reading_on(whole, units, answers))

    began = await said(whole, "rotate", "--suite", "sm4")
    early = await said(whole, "retire")
    ended = await said(whole, "retire", "--grace-hours", "0")
    shown = await said(whole, "list")
    reader.cancel()

    assert began[0] == 0, began[1]
    assert "SM4-GCM+HMAC-SM3" in began[1]
    assert (early[0], "须等待" in early[1]) == (1, True)
    assert ended[0] == 0, ended[1]
    assert "停用" in shown[1]
    assert len(answers) > 20
    assert set(answers) == {200}
    [key] = KeyRing.read((whole.home / "secrets" / "field.keys").read_text()).keys
    assert (key.id, key.suite) == (2, Suite.SM4)
    assert people > 1000
    assert await conn.fetchval("SELECT count(*) FROM roster.person_records WHERE get_byte(id_number, 0) <> 2") == 0
    await conn.close()

"""A ring with the ids of the installation and keys of its own: its process is not ready, writes nothing, and says which file is wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deploy.local.place import Place
from services.roster.app import create_app
from services.roster.commands.keys import opens
from shared.auth import Tokens
from shared.crypto import FieldCipher, KeyRing, Suite, new_key
from shared.db import Database
from shared.known_keys import ForeignKeys, KnownKeys
from tests import secret_files
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def host(stack: Place, url: str, folder: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Doors]:
    """The roster on a machine with this ring."""
    folder.mkdir()
    for name in ("token.pub", "token.key"):
        secret_files.write(folder / name, (stack.secrets / name).read_text())
    secret_files.write(folder / "field.keys", ring.text())
    for name, value in (stack.variables("roster") | {"ROSTER_DATABASE_URL": url, "BIANBAN_SECRETS_DIR": str(folder)}).items():
        monkeypatch.setenv(name, value)
    app = create_app()
    tokens = Tokens((folder / "token.pub").read_text(), (folder / "token.key").read_text())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://roster") as http:
        yield Doors(http, tokens)


async def ready(doors: Doors) -> tuple[int, list[str]]:
    answer = await doors.http.get("/ready")
    return answer.status_code, answer.json()["waiting_for"]


def another() -> KeyRing:
    return KeyRing((new_key(1, Suite.AES),))


async def test_a_host_with_another_first_key_is_not_ready_and_registers_nobody_a_second_time(
    stack: Place, roster_home: str, roster_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ours = stack.database_url("roster", roster_home), another()
    people = f"/units/{await given.unit(roster_db)}/persons"
    async with host(stack, url, tmp_path / "first", ours, monkeypatch) as doors:
        assert await ready(doors) == (200, [])
        assert (await doors.http.post(people, json=PERSON, headers=doors.office)).status_code == 201

    async with host(stack, url, tmp_path / "second", another(), monkeypatch) as doors:
        assert await ready(doors) == (503, ["field.keys"])
        assert (await doors.http.post(people, json=PERSON, headers=doors.office)).status_code == 503
    async with host(stack, url, tmp_path / "third", ours, monkeypatch) as doors:
        assert await ready(doors) == (200, [])
        assert (await doors.http.post(people, json=PERSON, headers=doors.office)).json()["code"] == "person_known"


async def test_an_installation_from_before_gets_its_mark_when_its_rows_can_be_opened(roster_db: Database) -> None:
    await given.person(roster_db, await given.unit(roster_db))

    def knows(ring: KeyRing) -> KnownKeys:
        return KnownKeys(roster_db, FieldCipher(ring), "field.keys", opens)

    with pytest.raises(ForeignKeys, match=r"field\.keys"):
        await knows(another()).ensure()
    assert await roster_db.pool.fetchval("SELECT count(*) FROM key_marks") == 0
    await knows(given.CIPHER.ring).ensure()
    with pytest.raises(ForeignKeys):
        await knows(another()).ensure()
    turned = given.CIPHER.ring.announcing(new_key(2, Suite.SM4))
    await knows(turned).ensure()
    await knows(KeyRing(tuple(key for key in turned.keys if key.id == 2))).ensure()
    assert await roster_db.pool.fetchval("SELECT array_agg(key_id ORDER BY key_id) FROM key_marks") == [1, 2]


async def test_of_two_first_keys_one_counts(roster_db: Database) -> None:
    await KnownKeys(roster_db, FieldCipher(another()), "field.keys", opens).ensure()
    with pytest.raises(ForeignKeys):
        await KnownKeys(roster_db, FieldCipher(another()), "field.keys", opens).ensure()

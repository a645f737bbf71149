"""Keys change while everything runs: nobody is registered twice, nothing is unreadable, who is killed goes on, and no key goes that is needed."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag

from deploy import keys
from deploy.keys import Keeper
from deploy.local.place import PROJECT, Place, WrongPlace
from services.roster.commands import keys as commands
from services.roster.commands.brought import IMPORTED
from services.roster.commands.import_writes import apply_import
from services.roster.commands.imports import begin_applying
from services.roster.commands.persons import register_person, update_person
from services.roster.models.imports import BeginApplying, ImportState
from services.roster.models.persons import RegisterPerson, UpdatePerson
from services.roster.models.refusals import PersonKnown
from services.roster.queries.establishments import LATEST
from services.roster.queries.keys import SEALED, under_keys
from services.roster.queries.persons import person_view, revealed
from shared.auth import Who
from shared.crypto import FieldCipher, FieldKey, KeyRing, Suite, new_key
from shared.db import Database
from shared.errors import Unavailable
from shared.exports.shelf import Kept, Shelf
from shared.glossary import PersonIdentity, PostCategory
from shared.law.retirement import Sex
from tests import secret_files
from tests.imports.rows import NUMBERS, person
from tests.roster import given
from tests.roster.importing import Office, with_posts
from tests.roster.test_changes import carried_out, case, registered

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
NOT_SEALED = {
    *{("accepted_commands", "body_hash"), ("outbox", "body"), ("dead_letters", "body")},
    *{("person_indexes", "id_index"), ("import_rows", "mark"), ("audit_seals", "root"), ("audit_seals", "head"), ("sent", "event_ids")},
    ("key_marks", "mark"),
}
"""Bytes that are hashes, indexes or public."""
BORN = date(1985, 3, 5)


@pytest.fixture
def keeper(roster_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """The keys of an installation, the first of them that of the other tests."""
    monkeypatch.setattr(keys, "SETTLE", 1.2)
    monkeypatch.setattr(commands, "PERSONS", 3)
    secret_files.write(tmp_path / "field.keys", given.CIPHER.ring.text())
    return keys.keeper(roster_db, tmp_path, tmp_path / "out")


async def rotated(keeper: Keeper, suite: Suite = Suite.SM4, *, prepare: bool = False) -> str:
    return await keys.rotate(keeper, suite, prepare=prepare, tell=lambda _: None)


async def registered_as(database: Database, cipher: FieldCipher, unit_id: UUID, number: int) -> UUID:
    """A person whose number is the same for the same `number`."""
    born = BORN + timedelta(number // 100)
    what = RegisterPerson(
        unit_id=unit_id,
        name=given.name_of(number),
        id_number=given.id_number(number, born),
        sex=Sex.FEMALE,
        birth_on=born,
        identity=PersonIdentity.PROFESSIONAL,
        post_category=PostCategory.TECHNICAL,
        ethnicity="01",
    )
    return await register_person(database, cipher, given.by(), what)


async def numbers(database: Database, cipher: FieldCipher) -> dict[UUID, str]:
    """Everybody's number, as one reads it now."""
    async with database.reading() as conn:
        rows = await conn.fetch("SELECT id FROM persons")
        return {row["id"]: (await revealed(conn, cipher, row["id"])).id_number for row in rows}


@asynccontextmanager
async def reading_on(database: Database, cipher: FieldCipher) -> AsyncIterator[list[int]]:
    """Somebody who reads everybody all the time, with a ring of his own; what he could not read ends the test."""
    read: list[int] = []

    async def read_on() -> None:
        while True:
            read.append(len(await numbers(database, cipher)))

    reader = asyncio.create_task(read_on())
    try:
        yield read
    finally:
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader


def _laid(shelf: Shelf, owner: UUID) -> Kept:
    with shelf.nameless() as file:
        file.write(b"x" * 3_000_000)
        return shelf.keep(owner, 1, file)


async def test_everything_goes_under_a_new_key_and_back_while_it_is_read(keeper: Keeper, roster_db: Database, tmp_path: Path) -> None:
    row = await given.row(roster_db, 3)
    people = [await registered_as(roster_db, given.CIPHER, row.unit_id, number) for number in range(10)]
    await update_person(roster_db, given.CIPHER, given.by(), UpdatePerson(person_id=people[0], since=date(2026, 9, 1), ethnicity="02"))
    kept = {shelf: _laid(shelf, people[0]) for shelf in keeper.shelves}
    before = await numbers(roster_db, given.CIPHER)

    for suite, key_id in ((Suite.SM4, 2), (Suite.AES, 3)):
        async with reading_on(roster_db, keys.keeper(roster_db, tmp_path, tmp_path / "out").cipher) as read:
            await rotated(keeper, suite)
            assert (await keys.retire(keeper, timedelta(0))).startswith("已停用")
        assert len(read) > 3
        async with roster_db.reading() as conn:
            assert {under for _, under in await under_keys(conn, keeper.shelves)} == {key_id}
            history = await given.changes_of(conn, people[0], keeper.cipher)
        assert [key.id for key in keeper.ring.keys] == [key_id]
        assert await roster_db.pool.fetchval("SELECT array_agg(DISTINCT key_id) FROM person_indexes") == [key_id]
        assert await numbers(roster_db, keeper.cipher) == before
        assert {b"".join(shelf.pieces(each)) for shelf, each in kept.items()} == {b"x" * 3_000_000}
        assert [(each.before, each.after) for each in history] == [("＊", "＊")]
        with pytest.raises(InvalidTag):
            await numbers(roster_db, given.CIPHER)


async def test_a_number_is_nobody_elses_whichever_ring_a_process_has(keeper: Keeper, roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    old, key = keeper.ring, new_key(2, Suite.SM4)
    rings = [old, old.announcing(key), old.announcing(key).writing_with(key)]

    answers = await asyncio.gather(
        *(registered_as(roster_db, FieldCipher(ring), row.unit_id, number) for number in range(8) for ring in rings * 2),
        return_exceptions=True,
    )

    made = [each for each in answers if isinstance(each, UUID)]
    assert len(made) == 8
    assert {type(each) for each in answers} == {UUID, PersonKnown}
    assert {each.facts["person"] for each in answers if isinstance(each, PersonKnown)} == {str(each) for each in made}
    assert await roster_db.pool.fetchval("SELECT count(*) FROM persons") == 8


async def test_registrations_during_a_rotation_make_one_person_of_one_number(keeper: Keeper, roster_db: Database, tmp_path: Path) -> None:
    row = await given.row(roster_db, 0)
    processes = [given.CIPHER, keys.keeper(roster_db, tmp_path, tmp_path / "out").cipher]
    rotation = asyncio.create_task(rotated(keeper))
    answers: list[object] = []
    number = 0
    while not rotation.done():
        answers += await asyncio.gather(
            *(registered_as(roster_db, cipher, row.unit_id, number) for cipher in processes), return_exceptions=True
        )
        number += 1
    await rotation
    with pytest.raises(Unavailable):
        await registered_as(roster_db, given.CIPHER, row.unit_id, number)

    assert number > 10
    assert {type(each) for each in answers} - {Unavailable} == {UUID, PersonKnown}
    assert await roster_db.pool.fetchval("SELECT count(*) FROM persons") == number
    assert len(set((await numbers(roster_db, keeper.cipher)).values())) == number
    assert await keeper.left(2) == 0


async def test_who_is_killed_goes_on_where_he_was(
    keeper: Keeper, roster_db: Database, stack: Place, roster_home: str, tmp_path: Path
) -> None:
    row = await given.row(roster_db, 0)
    for number in range(15):
        await registered_as(roster_db, given.CIPHER, row.unit_id, number)
    before = await numbers(roster_db, given.CIPHER)
    told = (stack.database_url("roster", roster_home), str(tmp_path), str(tmp_path / "out"), Suite.SM4.value)
    rotating = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.roster.rotating", *told), cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=PIPE
    )
    assert rotating.stdout is not None
    assert [await rotating.stdout.readline() for _ in range(2)] == [b"3\n", b"6\n"]
    rotating.kill()
    await rotating.wait()
    halfway = await keeper.left(2)

    assert await numbers(roster_db, keeper.cipher) == before
    assert (await rotated(keeper)).startswith("继续上次未完成的轮换。")

    assert 0 < halfway < 15 * 3
    assert await keeper.left(2) == 0
    assert await numbers(roster_db, keeper.cipher) == before
    assert [key.id for key in keeper.ring.keys] == [1, 2]


async def test_another_key_of_the_suite_in_use_is_made_and_said_to_be_that(keeper: Keeper) -> None:
    said = [await rotated(keeper, suite, prepare=True) for suite in (Suite.SM4, Suite.AES)]
    await rotated(keeper)
    said.append(await rotated(keeper, Suite.SM4, prepare=True))

    same = "算法与现行密钥相同：只换密钥，不换算法。"
    assert [same in each for each in said] == [False, False, True]
    assert "继续上次未完成的轮换（SM4-GCM，不是所选的 AES-256-GCM）。" in said[1]


async def test_a_key_that_is_needed_is_not_taken_away(keeper: Keeper, roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    person_id = await registered_as(roster_db, given.CIPHER, row.unit_id, 1)
    assert await keys.retire(keeper, timedelta(0)) == "没有可停用的密钥。"
    await rotated(keeper, prepare=True)
    with pytest.raises(WrongPlace, match="轮换尚未完成"):
        await keys.retire(keeper, timedelta(0))
    await rotated(keeper)
    with pytest.raises(WrongPlace, match="须等待 24 小时"):
        await keys.retire(keeper, timedelta(hours=24))

    late = UpdatePerson(person_id=person_id, since=given.TODAY, ethnicity="02")
    await update_person(roster_db, given.CIPHER, given.by(), late)
    with pytest.raises(WrongPlace, match="还有 2 处在旧密钥下"):
        await keys.retire(keeper, timedelta(0))
    assert (await rotated(keeper)).startswith("未生成新密钥")
    assert (await keys.retire(keeper, timedelta(0))).startswith("已停用密钥 1")

    assert [key.id for key in keeper.ring.keys] == [2]
    assert KeyRing.read((keeper.path.parent / "field.keys.retired").read_text()) == given.CIPHER.ring
    async with roster_db.reading() as conn:
        assert (await person_view(conn, keeper.cipher, person_id, OFFICE, LATEST)).ethnicity == "＊"


async def test_an_id_of_a_key_is_never_given_to_another(keeper: Keeper) -> None:
    await rotated(keeper)
    await keys.retire(keeper, timedelta(0))
    await commands.begin_key(keeper.database, FieldKey(3, Suite.AES, b"", b""), "killed here", given.NOW)

    await rotated(keeper, Suite.AES)

    assert [key.id for key in keeper.ring.keys] == [2, 4]


async def test_what_was_so_on_two_days_stays_equal(keeper: Keeper, roster_db: Database) -> None:
    row = await given.row(roster_db, 0)
    person_id = await registered_as(roster_db, given.CIPHER, row.unit_id, 1)
    await update_person(roster_db, given.CIPHER, given.by(), UpdatePerson(person_id=person_id, since=date(2026, 9, 10), major="数学"))

    await rotated(keeper)

    earlier = UpdatePerson(person_id=person_id, since=date(2026, 9, 1), ethnicity="02")
    await update_person(roster_db, keeper.cipher, given.by(), earlier)


async def test_a_change_that_waits_for_its_case_is_carried_out_after_a_rotation(keeper: Keeper, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id, _ = await given.in_post(roster_db, row, date(2026, 1, 5))
    number = given.id_number(63, BORN)
    change_id = await registered(roster_db, person_id, id_number=number, birth_on=BORN, sex=Sex.FEMALE)
    await rotated(keeper)
    await keys.retire(keeper, timedelta(0))

    await carried_out(roster_db, case(row, person_id, change_id))

    assert await numbers(roster_db, keeper.cipher) == {person_id: number}
    indexes = await roster_db.pool.fetch("SELECT key_id, id_index FROM person_indexes")
    assert {each["key_id"]: each["id_index"] for each in indexes} == keeper.cipher.indexes(number)


async def test_a_file_that_was_checked_is_written_after_a_rotation(keeper: Keeper, roster_db: Database, tmp_path: Path) -> None:
    office = Office(roster_db, tmp_path)
    checked = await office.check("roster", {"单位": [with_posts()], "人员": [person(0, 民族="汉"), person(1)]})
    await rotated(keeper)
    await keys.retire(keeper, timedelta(0))

    await begin_applying(roster_db, given.by(None), BeginApplying(import_id=checked.id, accept_valid=False))
    await apply_import(roster_db, keeper.cipher, office.clock, checked.id)
    os.close(await IMPORTED.opened(roster_db, keeper.cipher, checked.id))

    assert (await office.view(checked.id)).state == ImportState.APPLIED
    assert set((await numbers(roster_db, keeper.cipher)).values()) == {NUMBERS[0], NUMBERS[1]}
    assert await roster_db.pool.fetchval("SELECT count(mark) FROM import_rows") == 0


async def test_every_column_of_bytes_is_renewed_or_needs_no_key(roster_db: Database) -> None:
    rows = await roster_db.pool.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'roster' AND data_type = 'bytea'"
    )
    sealed = {(table, column) for table, columns in SEALED.items() for column in columns}

    assert {tuple(row) for row in rows} - NOT_SEALED == sealed

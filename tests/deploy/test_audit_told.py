"""`bianban audit verify`: every chain is compared with the heads that others keep, so that a tail that is cut is named without a paper at hand."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy import audit
from deploy.local.place import Place
from services.identity.models.audited import AUDITED
from services.monitoring.commands.copies import keep_head
from shared import db, outbox
from shared.audit.commands import seal
from shared.clock import Clock
from shared.events.audit import IdentityAuditSealed
from shared.events.envelope import uuid7
from tests.shared.given import by, changed

SEEN = "监测督办所存的封存值"


@pytest.fixture
def told(database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """The command on this test's database: its exit code and its words."""
    addresses = {service: database(service) for service in (*audit.AUDITED, "bianban")}
    monkeypatch.setattr(Place, "database_url", lambda _, service, *__: addresses[service])

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(audit.app, ["verify", *arguments])
        return done.exit_code, done.output

    monkeypatch.setenv("COLUMNS", "200")
    return run


async def two_seals(database: Callable[[str], str]) -> None:
    """Identity seals twice, and monitoring hears of both."""
    async with db.connect(database("identity"), "identity") as identity, db.connect(database("monitoring"), "monitoring") as monitoring:
        for _ in range(2):
            async with identity.transaction() as conn:
                await outbox.append(conn, by(), changed(uuid7(), 1))
            made = await seal(identity, Clock(None), AUDITED, IdentityAuditSealed, margin=0)
            assert made is not None
            assert made.until is not None
            notice = IdentityAuditSealed(
                event_id=uuid7(), occurred_at=made.until, version=made.number, head=made.head.hex(), until=made.until, records=1
            )
            async with monitoring.transaction() as conn:
                await keep_head(conn, notice)


async def cut(database: Callable[[str], str]) -> None:
    """By somebody who may do anything to the tables of identity."""
    owner = await asyncpg.connect(database("bianban"), server_settings={"search_path": "identity"})
    await owner.execute("DELETE FROM event_log WHERE recorded_at >= (SELECT until FROM audit_seals WHERE number = 1)")
    await owner.execute("DELETE FROM audit_leaves WHERE seal = 2")
    await owner.execute("DELETE FROM audit_seals WHERE number = 2")
    await owner.close()


@pytest.mark.asyncio
async def test_a_tail_that_is_cut_is_named_by_what_monitoring_keeps(
    database: Callable[[str], str], told: Callable[..., tuple[int, str]]
) -> None:
    await two_seals(database)
    whole = await asyncio.to_thread(told)
    await cut(database)
    after = await asyncio.to_thread(told)

    assert whole[0] == 0, whole[1]
    assert f"用户与权限 2 次封存链内一致；第 2 次与{SEEN}相符" in whole[1]
    assert after[0] == 1
    assert "第 2 次封存不在链中" in after[1]
    assert "末尾被截去" in after[1]
    assert SEEN in after[1]


@pytest.mark.asyncio
async def test_what_was_compared_with_nothing_is_said(database: Callable[[str], str], told: Callable[..., tuple[int, str]]) -> None:
    async with db.connect(database("identity"), "identity") as identity:
        async with identity.transaction() as conn:
            await outbox.append(conn, by(), changed(uuid7(), 1))
        await seal(identity, Clock(None), AUDITED, IdentityAuditSealed, margin=0)

    code, words = await asyncio.to_thread(told)

    assert code == 0
    assert "只核对了链内" in words

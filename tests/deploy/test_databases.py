"""A command says within seconds what is wrong with the database it asks, and what to look at."""

import socket
from collections.abc import Callable

import asyncpg
import pytest

from deploy import databases
from deploy.databases import ask
from deploy.doors import at_doors
from deploy.local.place import Place, WrongPlace
from shared import db


@pytest.mark.parametrize("command", [lambda: ask("roster", db.Database.notify_relay), lambda: at_doors(lambda doors: doors.users())])
def test_a_database_that_hangs_is_not_waited_for_a_minute_and_is_not_said_to_be_stopped(
    command: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "ANSWER_WITHIN", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(Place, "database_url", lambda *_: f"postgresql://roster:x@127.0.0.1:{silent.getsockname()[1]}/bianban")
        monkeypatch.setattr("deploy.doors.tokens", lambda _: None)

        with pytest.raises(WrongPlace, match="秒内没有应答。请用 bianban status 查看。"):
            command()


def test_a_database_that_is_still_starting_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def starting(*_: object, **__: object) -> None:
        raise asyncpg.CannotConnectNowError("the database system is starting up")

    monkeypatch.setattr(Place, "database_url", lambda *_: "postgresql://roster:x@127.0.0.1/bianban")
    monkeypatch.setattr(db, "connect", starting)

    with pytest.raises(WrongPlace, match="刚启动的请稍候再试"):
        ask("roster", db.Database.notify_relay)

"""A part that stands aside is shown, and never waited for."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local import parts, stack
from deploy.local.place import Place
from deploy.local.state import PartState, State


def seen(monkeypatch: pytest.MonkeyPatch, *known: PartState) -> None:
    monkeypatch.setattr(stack, "published", lambda _: list(known))
    monkeypatch.setattr(stack, "supervisor", lambda _: 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("state", [State.WAITING, State.STARTING, State.RESTARTING, State.FAILED])
async def test_the_stack_is_ready_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    seen(monkeypatch, PartState("postgres", State.READY), PartState("zipkin", state, aside=True))

    await stack.until_ready(Place(tmp_path, 0, "test"), patience=0)


@pytest.mark.asyncio
async def test_it_is_not_ready_without_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, PartState("postgres", State.STARTING), PartState("zipkin", State.READY, aside=True))

    with pytest.raises(stack.StartFailed, match="postgres：尚未就绪，请看 bianban logs postgres"):
        await stack.until_ready(Place(tmp_path, 0, "test"), patience=-1)


def test_only_when_it_was_given_up_need_somebody_look_after_it() -> None:
    assert PartState("zipkin", State.STARTING, aside=True).as_it_should
    assert not PartState("zipkin", State.FAILED, aside=True).as_it_should
    assert not PartState("postgres", State.STARTING).as_it_should


def test_zipkin_starts_after_all_and_only_when_it_is_asked_for_by_name_or_with_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Place, "password", lambda *_: "secret")
    everything = parts.parts(Place(tmp_path, 0, "test"))

    assert everything[-1].name == "zipkin"
    assert {"roster-app", "monitoring-worker", "workflows-worker"} <= set(everything[-1].after)
    assert "zipkin" not in {part.name for part in parts.choose(everything, set())}
    assert "zipkin" in {part.name for part in parts.choose(everything, {"zipkin"})}


def test_of_two_starts_at_once_the_later_one_waits_for_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other has the lock of the home while its own supervisor ends."""
    holders = iter([None, None, 7])
    monkeypatch.setattr(stack, "supervisor", lambda _: next(holders, 7))
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: SimpleNamespace(pid=8, poll=lambda: 1))

    stack.launch(Place(tmp_path, 0, "test"))

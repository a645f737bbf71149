"""Every way a door or a workflow refuses has a short Chinese title and a sentence of its own."""

import importlib
import re
from collections.abc import Iterator

from deploy.local.place import SERVICES
from shared.errors import DomainError
from shared.problems import TITLES
from workflows import approval_steps, freeze_case, journal, rectification_orders

DOORS = {
    *("not_signed_in", "unavailable", "malformed", "not_plain_text", "internal_error"),
    *("no_such_route", "method_not_allowed", "too_large", "too_slow", "not_readable"),
}
"""The problems that `shared/http.py` states itself."""


def refusals(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from refusals(each)


def ours() -> list[type[DomainError]]:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    return [kind for kind in refusals() if kind.__module__.partition(".")[0] != "tests"]


def test_each_code_has_a_title_and_each_title_a_code() -> None:
    codes = {kind.code for kind in ours()}
    codes.update(approval_steps.SENTENCES, freeze_case.SENTENCES, rectification_orders.SENTENCES, journal.SENTENCES, DOORS)

    assert set(TITLES) == codes


def test_titles_are_short_chinese_and_are_no_sentence() -> None:
    assert [title for title in TITLES.values() if not re.fullmatch(r"[\u4e00-\u9fff]{3,14}", title)] == []


def test_sentences_are_chinese() -> None:
    assert [kind.__name__ for kind in ours() if not re.search(r"[\u4e00-\u9fff].*。$", kind.sentence)] == []


def test_no_refusal_asks_for_a_refresh_which_would_send_the_form_once_more() -> None:
    sentences = [kind.sentence for kind in ours()]
    sentences += [each for part in (approval_steps, freeze_case, rectification_orders, journal) for each in part.SENTENCES.values()]

    assert [each for each in sentences if "刷新" in each] == []

"""From a list to its file: whatever the list is narrowed or ordered by goes with it, and the service's file knows it."""

import importlib
import re
from pathlib import Path

import pytest

from services.portal.rules.lists import SERVICES, list_of, narrowing

TEMPLATES = Path("services/portal/templates")
LINK = re.compile(r'export_link\(viewer, "(\w+)", "(\w+)"(?:, asked, "([^"]*)")?.*?\) }}')
FORM = re.compile(r'<form class="filters"[^>]* method="get".*?</form>', re.DOTALL)
FIELD = re.compile(r'(?:name="|pick\(")(\w+)"')
LOOPED = re.compile(r"{% for name(?:, words)? in (\(.*?\)) (?:if|%})")
LISTS = {
    service: importlib.import_module(f"services.{service}.queries{'.exports' if service != 'reporting' else ''}").EXPORTS.lists
    for service in SERVICES
}
PAGES = sorted(path.name for path in TEMPLATES.glob("*.html") if "export_link(viewer" in path.read_text() and FORM.search(path.read_text()))


def fields_of(text: str) -> set[str]:
    """What the form above the list sends."""
    (form,) = FORM.findall(text)
    form = LINK.sub("", form)
    looped = {name for names in LOOPED.findall(form) for name in re.findall(r'\(?"(\w+)"', names)}
    return {name for name in (*FIELD.findall(form), *looped) if name.isascii()}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_list_is_narrowed_by_goes_into_its_file(page: str) -> None:
    text = (TEMPLATES / page).read_text()
    for service, name, by in LINK.findall(text):
        pairs = dict(reversed(pair.split("=")) for pair in by.split())
        carried = {field.split(":")[0]: wanted for field, wanted in pairs.items()}

        assert fields_of(text) - set(carried) == set()
        assert set(carried.values()) - set(LISTS[service][name].filters) == set()


def test_every_page_with_a_file_was_looked_at() -> None:
    assert len(PAGES) == 13


@pytest.mark.parametrize(("service", "name"), [(service, name) for service, lists in LISTS.items() for name in lists])
def test_the_form_has_words_for_all_that_a_list_may_be_narrowed_by(service: str, name: str) -> None:
    for each in LISTS[service][name].filters:
        assert not narrowing(name, each).label.isascii(), each


def test_a_choice_that_belongs_to_another_list_leads_there() -> None:
    assert list_of("roster", "roster", {"population": "off_establishment"}) == ("roster", "offestablishment")
    assert list_of("approval", "applications", {"type": "issue", "tab": "todo"}) == ("monitoring", "work")
    assert list_of("approval", "applications", {"state": "freeze_proposed"}) == ("monitoring", "work")
    assert list_of("monitoring", "issues", {"state": "to_verify"}) == ("monitoring", "issues")
    assert list_of("monitoring", "work", {"state": "returned", "light": "red"}) == ("approval", "applications")
    assert list_of("approval", "applications", {"state": "filed"}) == ("approval", "applications")


def test_a_state_that_both_lists_know_leads_from_neither_to_the_other() -> None:
    assert list_of("monitoring", "work", {"state": "awaiting_release"}) == ("monitoring", "work")
    assert list_of("approval", "applications", {"state": "awaiting_release"}) == ("approval", "applications")
    assert list_of("approval", "applications", {"state": "awaiting_acknowledgement"}) == ("monitoring", "work")

"""文书预览: it says what the notice will say, and shows nobody what he may not see."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.approval import rules
from shared.auth import ServiceToken, Who, service
from shared.glossary import ApplicationType, Role
from tests import secret_files
from tests.approval.house import ID_NUMBER, House, text_of

pytestmark = pytest.mark.asyncio
USE: dict[str, Any] = {"type": "post_use_application", "kind": "SY", "funding": "full", "title": "语文教师", "justification": "退休补员"}
ENTRY = USE | {"type": "entry_application", "reason_code": "open_recruitment", "effective_on": "2026-09-18"}


def compared(pdf: bytes) -> str:
    """Without what a preview cannot know: its number, until when the use holds, its mark."""
    text = re.sub(r"〔(\d{4})〕[\s　]*\d*[\s　]*号", r"〔\1〕号", text_of(pdf))
    text = re.sub(r"(有效期至)(\d+年\d+月\d+日|—)?", r"\1", text)
    return text.replace("预览件：未编号、未签章，不作依据\u3000演示数据", "")


async def preview(home: House, who: Who, **asked: Any) -> bytes:
    answer = await home.post(who, "/application-previews", {"unit_id": str(home.school)} | asked)
    assert answer.status_code == 200, answer.text
    assert "预览件" in text_of(answer.content)
    return answer.content


async def written(home: House, **asked: Any) -> bytes:
    application = await home.submit(**asked)
    await home.approve(application)
    seen = await home.until_state(application, "awaiting_release")
    return await home.file(seen["documents"][0]["id"])


async def test_a_preview_says_what_the_notice_says_once_it_is_approved(home: House) -> None:
    before = await preview(home, home.clerk, **USE)
    notice = await written(home, **USE)

    assert compared(before) == compared(notice)
    assert re.search(r"核准依据单位申请\S*〔\d{4}〕\d+号备注", "".join(text_of(notice).split()))
    assert "用编方式" not in text_of(notice)
    assert "本章为系统内嵌演示印章" in text_of(before)
    assert (await home.get(home.clerk, "/applications"))["items"][1:] == []


async def test_a_preview_of_an_entry_names_its_authorised_use_and_masks_the_number(home: House) -> None:
    reservation, person = await home.filed_use(), await home.person()
    asked = ENTRY | {"person_id": person, "reservation_id": reservation}
    before = await preview(home, home.clerk, **asked)

    assert compared(before) == compared(await written(home, **asked))
    assert ID_NUMBER not in text_of(before)


async def test_what_is_no_establishment_is_not_called_one(home: House) -> None:
    said = [compared(await preview(home, home.clerk, **USE | {"kind": kind})) for kind in ("SY", "BW", "BB")]

    assert [each.count("编制通知单") for each in said] == [1, 0, 0]
    assert "核准使用编外用工控制数通知单" in said[1]
    assert "可用员额" in "".join(said[2].split())


async def test_nobody_has_another_units_unit_or_person_written_down(home: House) -> None:
    other, person = await home.unit_beside(), await home.person()
    stranger = Who("stranger", frozenset({Role.UNIT_CLERK}), (other,))
    foreign = {"unit_id": str(home.school)}
    of_others = ENTRY | {"unit_id": str(other), "person_id": person, "reservation_id": str(uuid.uuid4())}

    answers = [await home.post(stranger, "/application-previews", asked) for asked in (USE | foreign, of_others)]

    assert [answer.status_code for answer in answers] == [404, 404]


async def test_without_its_own_token_approval_says_that_a_part_is_away(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ServiceToken.at
    monkeypatch.setattr(ServiceToken, "at", lambda token, now: at(replace(token, production=True), now))

    refused = await home.post(home.clerk, "/application-previews", {"unit_id": str(home.school)} | USE)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")

    secret_files.write(home.folder / "approval.token", home.tokens.issue(service("approval"), datetime.now(UTC)))
    await preview(home, home.clerk, **USE)


async def test_a_form_that_lacks_something_is_told_what_in_words(home: House) -> None:
    answer = await home.post(home.clerk, "/application-previews", {"unit_id": str(home.school)} | ENTRY)

    assert (answer.status_code, answer.json()["code"]) == (409, "application_incomplete")
    assert answer.json()["detail"] == "申请缺少必填内容：人员。请补充后再提交。"
    assert answer.json()["facts"]["fields"] == "person_id"


async def test_a_character_without_a_glyph_is_told_before_and_holds_the_case_after_for_everybody_to_see(home: House) -> None:
    asked = USE | {"title": "语文教师\U0002ebf0"}
    before = await home.post(home.clerk, "/application-previews", {"unit_id": str(home.school)} | asked)
    application = await home.submit(**asked)
    await home.approve(application)
    seen = await home.until(application, lambda found: bool(found["held"]))

    assert (before.status_code, before.json()["code"]) == (409, "document_not_drawable")
    assert "U+2EBF0" in before.json()["detail"]
    assert seen["held"] == "document_not_drawable"


async def test_only_an_authorised_use_and_an_entry_change_the_figures_of_a_notice() -> None:
    figures = {"quota": 9, "headcount": 5, "reserved": 1, "available": 3}

    assert rules.after_effect(ApplicationType.POST_USE, 2, figures) == {"reserved": 3, "available": 1}
    assert rules.after_effect(ApplicationType.ENTRY, 1, figures) == {"headcount": 6, "reserved": 0}
    assert rules.after_effect(ApplicationType.EXIT, 1, figures) == {}
    assert rules.after_effect(ApplicationType.POST_USE, 1, {}) == {}

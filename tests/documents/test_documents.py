"""Documents: every template renders, what it says can be read back, and a character without a glyph stops it."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pypdf
import pytest

from deploy.city import words
from shared.documents import MissingGlyphs, Renderer, _drawn, keep_file, sha256_hex

AT = datetime(2026, 9, 18, 1, 30, tzinfo=UTC)
APPROVAL, MONITORING = (Path(__file__).parents[2] / "services" / name / "templates" for name in ("approval", "monitoring"))
RENDERER = Renderer()
HEAD: dict[str, Any] = {
    "issuer": "云海市编办",
    "issued_on": "2026-09-18",
    "demo_seal": True,
    "case_no": "A-1",
    "copies": "市财政局",
    "unit": "云栖镇中心小学",
}
POST_USE = HEAD | {
    "number": "云编核〔2026〕12号",
    "kind": "事业编制",
    "funding": "财政全额补助",
    "posts": 1,
    "approved_on": "2026-09-18",
    "valid_until": "2027-09-20",
}
ENTRY = HEAD | {
    "number": "云编入〔2026〕45号",
    "person": "买买提·䶮𬱖",
    "id_number": "330499***********1",
    "born_on": "1988-02-29",
    "entered_on": "2026-10-12",
}
OUTSIDE = {"kind": "编外用工控制数", "funding": "自筹资金", "counted_in": "控制数"}
EXIT = HEAD | {
    "title": "人员出编通知单",
    "number": "云编出〔2026〕8号",
    "opening": "同意出编。",
    "rows": [["姓名", "沈清和"], ["出编原因", "退休"], ["备注项", "无"]],
}
LINE = {
    "kind": "new",
    "rule": "M01 超编",
    "matter": "超编 1 名",
    "document_no": "云编整〔2026〕5号",
    "found_on": "2026-09-14",
    "deadline": "2026-09-29",
    "remaining": 7,
}
AUDIT = {"service": "编制台账", "number": 12, "head": "0123456789abcdef" * 4}
LIST = HEAD | {
    "number": "云编督〔2026〕38号",
    "year": 2026,
    "week": 38,
    "from": "2026-09-14",
    "to": "2026-09-20",
    "planned_at": "2026-09-14 09:00",
}
NOTICE = HEAD | {
    "number": "云编整〔2026〕9号",
    "rule": "M01 超编",
    "finding": "超编 1 名",
    "as_of": "2026-09-17 16:20",
    "working_days": 10,
    "signer": "编办监督检查科",
}


def lines(**kinds: int) -> dict[str, Any]:
    return LIST | {"lines": [LINE | {"kind": kind, "standing": "核实不成立"} for kind, number in kinds.items() for _ in range(number)]}


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    ("template", "data", "said"),
    [
        (
            APPROVAL / "post_use_notice.typ",
            POST_USE,
            ["核准使用编制通知单", "云编核〔2026〕12号", "2027年9月20日", "本章为系统内嵌演示印章，不具有法律效力"],
        ),
        (APPROVAL / "entry_notice.typ", ENTRY, ["人员入编通知单", "买买提·䶮𬱖", "330499***********1", "2026年10月12日"]),
        (
            APPROVAL / "post_use_notice.typ",
            POST_USE | OUTSIDE,
            [
                "核准使用编外用工控制数通知单",
                "同意使用编外用工控制数（自筹资金）1名。",
                "人员到位后及时申报登记。",
                "可用控制数",
                "所核控制数自行失效收回",
            ],
        ),
        (
            APPROVAL / "entry_notice.typ",
            ENTRY | OUTSIDE,
            ["人员登记通知单", "列入编外用工控制数（自筹资金）管理", "并做好实名制信息维护", "登记日期"],
        ),
        (APPROVAL / "movement_notice.typ", EXIT, ["人员出编通知单", "沈清和", "退休"]),
        (
            MONITORING / "supervision_list.typ",
            lines(new=1, overdue=1, carried=1, cleared=1),
            ["2026年第38周", "本期新增（1项）", "逾期未整改（1项）", "核实不成立", "7个工作日"],
        ),
        (
            MONITORING / "rectification_notice.typ",
            NOTICE,
            ["整改通知书", "超编1名（截至2026年9月17日16:20）", "自本通知书送达之日起10个工作日", "17:30", "编办监督检查科"],
        ),
    ],
)
def test_a_document_says_what_it_was_given(template: Path, data: dict[str, Any], said: list[str]) -> None:
    text = text_of(RENDERER.pdf(template, data, AT))

    assert [each for each in said if each not in text] == []


def test_the_last_of_an_odd_number_of_rows_has_the_whole_width() -> None:
    why = "招聘计划取消收回尚未使用的核准用编另行研究"
    (page,) = pypdf.PdfReader(io.BytesIO(RENDERER.pdf(APPROVAL / "movement_notice.typ", EXIT | {"rows": [["撤销原因", why]]}, AT))).pages

    assert why in page.extract_text()  # a line's end would stand in it


def test_a_document_is_archivable_and_carries_its_fonts() -> None:
    pdf = RENDERER.pdf(APPROVAL / "entry_notice.typ", ENTRY, AT)

    reader = pypdf.PdfReader(io.BytesIO(pdf))
    metadata = reader.xmp_metadata
    embedded, left_out = reader.pages[0]._get_fonts()

    assert metadata is not None
    assert b"<pdfaid:part>2</pdfaid:part>" in metadata.stream.get_data()
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in metadata.stream.get_data()
    assert embedded
    assert not left_out


def test_equal_data_gives_equal_bytes_from_every_thread() -> None:
    with ThreadPoolExecutor(8) as threads:
        rendered = list(threads.map(lambda _: sha256_hex(RENDERER.pdf(APPROVAL / "post_use_notice.typ", POST_USE, AT)), range(16)))

    assert len(set(rendered)) == 1


def test_a_character_that_no_font_draws_stops_the_document_and_is_named_by_code_point_only() -> None:
    with pytest.raises(MissingGlyphs) as refused:
        RENDERER.pdf(APPROVAL / "entry_notice.typ", ENTRY | {"person": "王\U0003fffd\ue123"}, AT)

    assert refused.value.characters == ("\ue123", "\U0003fffd")
    assert "王" not in str(refused.value)


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\ufeff", "\u200d", "\u200e", "\u2060", "\ufe0f", "\U000e0100", "\u00ad", "\u202e", "\x1c", "\x1f", "\x00", "\x7f"]
)
def test_a_character_that_nobody_sees_stops_no_document(unseen: str) -> None:
    """U+001C to U+001F count as spaces, and no font has them."""
    for person in (f"王{unseen}云", f"{unseen}王云{unseen}"):
        text = text_of(RENDERER.pdf(APPROVAL / "entry_notice.typ", ENTRY | {"person": person}, AT))

        assert "王云" in "".join(letter for letter in text if letter.isprintable() and letter not in "\ufe0f\U000e0100")


def test_lines_and_words_of_a_text_stay_apart_and_a_chosen_form_of_a_letter_is_passed_on() -> None:
    assert _drawn({"a": ["x\r\ny\tz\x0bw", 1, None], "葛\U000e0100": "葛\U000e0100"}) == {
        "a": ["x \ny\tz w", 1, None],
        "葛\U000e0100": "葛\U000e0100",
    }


def test_a_text_is_known_to_be_drawable_before_it_is_drawn() -> None:
    RENDERER.ensure_drawable({"title": "云\u200b", "lines": ["一\n二"]})

    with pytest.raises(MissingGlyphs):
        RENDERER.ensure_drawable({"lines": [{"title": "\ue123"}]})


def test_a_real_seal_is_not_called_a_demonstration() -> None:
    assert "演示印章" not in text_of(RENDERER.pdf(APPROVAL / "post_use_notice.typ", POST_USE | {"demo_seal": False}, AT))


def test_a_mark_stands_on_every_page_and_nowhere_when_there_is_none() -> None:
    marked = Renderer(mark="演示数据")
    for template, data in ((APPROVAL / "post_use_notice.typ", POST_USE), (MONITORING / "supervision_list.typ", lines(new=40))):
        pages = pypdf.PdfReader(io.BytesIO(marked.pdf(template, data, AT))).pages

        assert [number for number, page in enumerate(pages) if "演示数据" not in page.extract_text()] == []
        assert "演示数据" not in text_of(RENDERER.pdf(template, data, AT))


def test_a_notice_says_that_only_the_sealed_file_counts() -> None:
    text = text_of(RENDERER.pdf(MONITORING / "rectification_notice.typ", NOTICE, AT))

    assert "本通知书以加盖电子印章的文件为准，送达以系统登记为准" in text


def test_a_long_list_goes_over_pages_and_repeats_its_head() -> None:
    pages = pypdf.PdfReader(io.BytesIO(RENDERER.pdf(MONITORING / "supervision_list.typ", lines(new=40), AT))).pages

    assert len(pages) > 2
    assert all("发现日期" in page.extract_text() for page in list(pages)[:-1])


def test_a_list_without_lines_is_still_a_list() -> None:
    assert "新增0项" in text_of(RENDERER.pdf(MONITORING / "supervision_list.typ", lines(), AT))


@pytest.mark.parametrize(
    ("made", "said"),
    [({"made_at": "2026-09-16 11:05"}, "生成：2026年9月16日11:05（所列情况和剩余期限截至此时）"), ({}, "应发：2026年9月14日09:00注")],
)
def test_a_list_tells_when_it_was_due_and_when_it_was_made(made: dict[str, str], said: str) -> None:
    text = text_of(RENDERER.pdf(MONITORING / "supervision_list.typ", lines() | made, AT))

    assert "应发：2026年9月14日09:00" in text
    assert ("生成：" in text, said in text or not made) == (bool(made), True)


def test_a_list_prints_the_audit_seals_whole() -> None:
    text = text_of(RENDERER.pdf(MONITORING / "supervision_list.typ", lines(new=1) | {"audit": [AUDIT]}, AT))

    assert "审计封存值（生成时）：编制台账第12次" + str(AUDIT["head"]) in text


def test_typst_code_in_data_stays_text() -> None:
    assert "#read" in text_of(RENDERER.pdf(APPROVAL / "entry_notice.typ", ENTRY | {"remarks": '#read("/etc/passwd") *粗* $x$'}, AT))


def test_a_font_folder_without_fonts_changes_nothing(tmp_path: Path) -> None:
    own = Renderer(font_dir=tmp_path)

    assert text_of(own.pdf(APPROVAL / "entry_notice.typ", ENTRY, AT)) == text_of(RENDERER.pdf(APPROVAL / "entry_notice.typ", ENTRY, AT))


def test_many_who_keep_the_same_document_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    owner, content = uuid4(), b"%PDF" * 50_000

    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(lambda _: keep_file(tmp_path, owner, content), range(64)))

    assert {(file.name, file.read_bytes()) for file in tmp_path.iterdir()} == {(name, content) for name in names}


def test_every_name_that_the_city_may_give_can_be_written_in_a_document() -> None:
    given = (name for names in words.GIVEN.values() for name in names)

    assert RENDERER.png(APPROVAL / "post_use_notice.typ", POST_USE | {"unit": "".join((*words.SURNAMES, *given, *words.RARE_GIVEN))})

"""What the services answer of a unit and its people, as they answer it; every text of it may be planted."""

from typing import Any

from tests.portal.conftest import XSS

UNIT_ID = "01a210f8-5bc8-7567-b52b-9533203e1931"
PARENT_ID = "01a210f8-5bc8-7567-b52b-9533203e1932"
PERSON_ID = "01a210f8-5bc8-7567-b52b-9533203e1933"
CODES: dict[str, Any] = {
    "categories": [{"code": "SY-1", "label": "公益一类事业单位"}],
    "kinds": [
        {"code": "SY", "label": "事业编制", "population": "public"},
        {"code": "BW", "label": "编外用工控制数", "population": "off_establishment"},
    ],
    "fundings": [{"code": "full", "label": "全额拨款"}],
    "entry_reasons": [{"code": "examination", "label": "考录", "applied_for": True}],
    "exit_reasons": [{"code": "resignation", "label": "辞职", "applied_for": True}],
    "allowed_kinds": {},
    "sets": {
        name: []
        for name in (
            *(
                "natures",
                "public_welfare_classes",
                "ranks",
                "sectors",
                "systems",
                "sexes",
                "identities",
                "post_categories",
                "duty_statuses",
            ),
            *("leadership_levels", "educations", "degrees", "ethnicities", "political_statuses", "person_classes", "civil_grades"),
            *("post_grades", "retirement_categories", "over_quota_causes", "off_post_kinds", "employment_forms", "leadership_grades"),
            *("professional_title_levels", "flexible_retirements"),
        )
    },
}
_NAMED = {"name": f"第一小学{XSS}", "short_name": XSS, "code": "330499", "uscc": None, "category": "SY-1"}
LINE: dict[str, Any] = _NAMED | {
    "id": UNIT_ID,
    "parent_id": PARENT_ID,
    "path": [PARENT_ID, UNIT_ID],
    "rank": None,
    "closed_on": None,
    "children": 2,
    "formerly": [],
    "sums": {"quota": 40, "headcount": 41, "reserved": 0, "frozen": 0, "available": 2, "exceeded": 3},
}
_ROW = {
    "kind": "SY",
    "funding": "full",
    "kind_label": "事业编制",
    "funding_label": "全额拨款",
    "counted": True,
    "apart": False,
    "quota": 40,
    "headcount": 41,
}
_ROW |= {
    "reserved": 0,
    "frozen": 0,
    "available": -1,
    "vacancy": 0,
    "overstaffing": 1,
    "saturation": 1.025,
    "vacancy_rate": 0.0,
    "use_until": None,
}
UNIT: dict[str, Any] = LINE | {
    **dict.fromkeys(
        ("nature", "public_welfare", "unit_funding", "sector", "system", "leaders_above_rank", "leaders_above_rank_no", "document_on")
    ),
    "withheld": False,
    "valid_from": "2020-01-01",
    "version": 3,
    "duties": XSS,
    "established_on": None,
    "since": "2020-01-01",
    "document_no": f"望编〔2020〕1号{XSS}",
    "uscc_doubt": None,
    "second_names": [XSS],
    "plates": [],
    "internal_units": ["教务处"],
    "successors": [],
    "predecessors": [],
    "establishments": [_ROW],
    "seats": [{"level": "unit_head", "level_label": "单位正职", "approved": 1, "used": 1, "vacant": 0, "over": 0}],
    "freezes": [],
}
WHY = {"title": "超编", "matter": f"实有 41，核定 40{XSS}", "level": "red", "better_by": "减员或调整", "state": "rectifying"}
LIGHT: dict[str, Any] = {
    "closed_on": None,
    "unit_id": UNIT_ID,
    "light": "red",
    "label": "红灯",
    "since": "2026-09-18T01:00:00Z",
    "why": [WHY],
    "remarks": [],
    "history": [],
}
HERE: dict[str, Any] = {"in_post": 41, "working_here": 41, "borrowed": [], "lent": []}
POST: dict[str, Any] = {
    **dict.fromkeys(("ended_on", "exit_reason", "seat_level", "authorisation_no", "authorised_on", "over_quota_cause", "transfer_id")),
    **dict.fromkeys(
        (
            "internal_unit",
            "entry_source",
            "entered_on",
            "entry_document_no",
            "off_post_kind",
            "employment_form",
            "dispatch_company",
            "contract_until",
        )
    ),
    "placement_id": PERSON_ID,
    "unit_id": UNIT_ID,
    "kind": "SY",
    "funding": "full",
    "started_on": "2020-09-01",
    "entry_reason": "examination",
    "document_no": "入编1号",
    "duty_status": "on_duty",
    "counted": True,
    "population": "public",
}
PERSON: dict[str, Any] = {
    **dict.fromkeys(
        ("certified_birth_on", "ethnicity", "native_place", "birth_place", "political_status", "party_joined_on", "work_began_on")
    ),
    **dict.fromkeys(("education", "degree", "full_time_education", "school", "major", "graduated_on", "person_class", "title_since")),
    **dict.fromkeys(("leadership_level", "grade", "post_grade", "professional_title", "above_rank", "civil_servant_registered")),
    **dict.fromkeys(("full_time_degree", "in_service_education", "in_service_degree", "professional_title_level", "flexible_retirement")),
    **dict.fromkeys(("pension_scheme", "pension_unit", "pension_status", "retirement_category", "retirement_reason")),
    "person_id": PERSON_ID,
    "name": f"张三{XSS}",
    "id_number": "330499***********2",
    "sex": "M",
    "birth_on": "1980-01-01",
    "identity": "professional",
    "title": XSS,
    "post_category": "technical_post",
    "retirement": {"category": "M60", "month": "2043-01"},
    "placement": POST,
    "unit": XSS,
    "unit_code": "330499",
}

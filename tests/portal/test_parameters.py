"""规则参数: values in words, versions by time, and a new version sent as the service that owns it takes it."""

import json

import pytest

from services.portal.rules import months, parameters
from shared import parameter_words
from shared.glossary import Role
from tests.portal.conftest import OURS, XSS, Door

AT = "2026-01-05T01:30:00Z"
LINE = {"rule": "M01", "version": 1, "effective_on": "2025-01-01", "source": XSS, "owner": "监督检查科", "recorded_at": AT}
LINE |= {"recorded_by": "shen", "in_force": True}
LADDER = [{"rung": "reminder", "offset": -3}, {"rung": "overdue", "offset": 0}]
RULES = [
    LINE | {"name": "budget_days", "value": 30},
    LINE | {"name": "budget_days", "value": 20, "version": 2, "effective_on": "2099-01-01", "in_force": False},
    LINE | {"name": "ladder", "value": LADDER, "rule": "*"},
    LINE | {"name": "scopes", "value": ["post_use"], "rule": "freeze"},
]
LIMIT = {"name": "secondment_months", "value": 6, "valid_from": None, "valid_until": None, "source": XSS, "owner": "编办"}
BUDGET, LIMITED = "/admin/parameters/M01/budget_days", "/admin/parameters/roster/secondment_months"


@pytest.fixture
def house(door: Door) -> Door:
    door.played.answers |= {"monitoring/parameters": RULES, "roster/parameters": {"items": [LIMIT], "next": None}}
    door.played.answers["/lights/matrix"] = {"rules": [{"code": "M01", "title": f"超编{XSS}"}]}
    return door


@pytest.mark.asyncio
async def test_what_holds_and_what_is_to_come_is_read_by_everybody_who_may_and_set_by_who_keeps_it(house: Door) -> None:
    house.sign_in(Role.UNIT_CLERK)
    listed, one = (await house.client.get("/admin/parameters")).text, (await house.client.get(BUDGET)).text
    house.sign_in(Role.SUPERVISION_OFFICER)
    kept = (await house.client.get(BUDGET)).text

    assert "<script>alert(1)" not in listed + one + kept
    assert "2099-01-01 起：20" in listed
    assert "提醒：到期前 3 个工作日；逾期：到期日" in listed
    assert f'action="{BUDGET}"' not in one
    assert f'action="{BUDGET}"' in kept
    assert (await house.client.get("/admin/parameters/M01/nothing")).status_code == 404


@pytest.mark.asyncio
async def test_a_new_version_goes_to_the_service_that_owns_it(house: Door) -> None:
    csrf = house.sign_in(Role.SUPERVISION_OFFICER)
    typed = {"csrf": csrf, "effective_on": "2026-12-01", "source": "编办规〔2026〕6号", "owner": "监督检查科"}
    answers = [
        await house.client.post(path, data=typed | more, headers=OURS)
        for path, more in (
            (BUDGET, {"value": "25"}),
            (LIMITED, {"value": "9"}),
            ("/admin/parameters/*/ladder", {"value": ["reminder", "-3", "overdue", "0", "", ""]}),
            ("/admin/parameters/freeze/scopes", {"value": ["entry", "post_use"]}),
        )
    ]

    sent = [(path, json.loads(body)) for method, path, body, _ in house.played.asked if method == "POST" and "parameters" in path]
    assert [answer.headers["location"] for answer in answers[:2]] == [f"{BUDGET}?done=parameter_set", f"{LIMITED}?done=parameter_set"]
    assert [each["value"] for _, each in sent] == [25, 9, LADDER, ["entry", "post_use"]]
    assert sent[0] == (
        "/parameters",
        {"rule": "M01", "name": "budget_days", "value": 25, "effective_on": "2026-12-01"}
        | {"source": "编办规〔2026〕6号", "owner": "监督检查科"},
    )
    assert sent[1] == ("/parameters/secondment_months", {"value": 9, "valid_from": "2026-12-01", "source": "编办规〔2026〕6号"})


@pytest.mark.asyncio
@pytest.mark.parametrize(("value", "refusal"), [("25", (409, "parameter_malformed")), ("很多", None)])
async def test_a_refused_value_stays_as_it_was_typed(house: Door, value: str, refusal: tuple[int, str] | None) -> None:
    csrf = house.sign_in(Role.SUPERVISION_OFFICER)
    typed = {"csrf": csrf, "value": value, "effective_on": "2026-12-01", "source": f"依据{XSS}", "owner": "法规科"}
    if refusal:
        house.played.refusals["POST /parameters"] = refusal
    answer = await house.client.post(BUDGET, data=typed, headers=OURS)

    assert answer.status_code == (refusal or (422, ""))[0]
    assert f'value="{value}"' in answer.text
    assert 'value="法规科"' in answer.text
    assert "<script>alert(1)" not in answer.text
    assert ("原因：" if refusal else "参数没有改变") in answer.text


def test_every_kind_of_value_goes_out_and_comes_back() -> None:
    told = {
        "scopes": ["entry", "post_use"],
        "budget_days": 30,
        "ladder": LADDER,
        "notice_series": "编整",
        "notice_sealed": False,
        "decide_automatically": None,
    }
    back = {name: parameters.value_of(name, parameters.typed_of(name, value)) for name, value in told.items()}

    assert back == told
    assert parameter_words.reads("notice_sealed", False) == "否"
    assert parameter_words.reads("decide_automatically", None) == "未授权，由人决定"


def test_a_year_knows_its_holidays_and_the_rest_days_that_are_worked() -> None:
    october = months.months(2026, ["2026-10-01", "2026-10-02"], ["2026-10-10", "2026-10-12"])[9]
    days = {day.number: day.kind for week in october.weeks for day in week if day}

    assert len(days) == 31
    assert (days[1], days[3], days[10], days[12], days[5]) == ("off", "weekend", "make_up", "work", "work")
    assert october.working == 22 - 2 + 1
    assert october.weeks[0][:3] == (None, None, None)

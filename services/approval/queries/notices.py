"""What a notice says. Names, masked numbers and figures are the roster's: asked over HTTP while the notice is written, and kept nowhere else."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from services.approval.models.facts import Notice
from shared.errors import Unavailable
from shared.glossary import LABELS, ApplicationType, PersonIdentity
from workflows.approval_messages import Content
from workflows.roster import Done

Words = dict[str, Any]
TEMPLATES = Path(__file__).parents[1] / "templates"
COPIES = "市委组织部、市财政局、市人力资源和社会保障局"
_ESTABLISHMENT, _COUNTED_IN = "编制", ("员额", "控制数")
_SEX = {"M": "男", "F": "女", "male": "男", "female": "女"}


@dataclass(frozen=True)
class RosterReader:
    """Reads the roster with a service token. `off_establishment`: whether a kind is 编外, `called`: what kinds and fundings are called, as last heard."""

    client: httpx.AsyncClient
    token: Callable[[], str]
    off_establishment: dict[str, bool] = field(default_factory=dict)
    called: dict[str, dict[str, str]] = field(default_factory=dict)

    async def words(self, notice: Notice, done: Done, on: date, issuer: str, *, demo_seal: bool) -> Words:
        """Everything the template of a notice is given. `demo_seal`: its seal will have no legal effect. Raises Unavailable."""
        unit, codes = await self._get(f"/units/{notice.unit_id}"), await self._get("/codes")
        words = _head(notice, on, issuer) | {"demo_seal": demo_seal} | _place(notice, unit, codes)
        words["parent"] = (await self._get(f"/units/{unit['parent_id']}"))["name"] if unit["parent_id"] else "—"
        if notice.revoked_no:
            return words | _revocation(notice, notice.revoked_no)
        if notice.type is ApplicationType.POST_USE:
            return words | _post_use(notice, done, on)
        words |= _person(await self._get(f"/persons/{notice.person_id}"))
        if notice.type is ApplicationType.CHANGE:
            return words | _change(notice, words, await self._get(f"/changes/{notice.change_id}"))
        if notice.type is ApplicationType.ENTRY:
            return words | _entry(notice, codes)
        origin = (await self._get(f"/units/{notice.from_unit_id}"))["name"] if notice.from_unit_id else unit["name"]
        return words | _movement(notice, words, origin, codes)

    async def is_off_establishment(self, kind: str) -> bool | None:
        """Whether a kind is 编外; none while the roster is away, or for a kind that it does not have."""
        if kind and kind not in self.off_establishment:
            with suppress(Unavailable):
                kinds = (await self._get("/codes"))["kinds"]
                self.off_establishment.update({each["code"]: each["population"] == "off_establishment" for each in kinds})
        return self.off_establishment.get(kind)

    async def reasons(self, table: str, on: date | None) -> Mapping[str, Words]:
        """The entry or exit reasons in force on a day, by code. Raises Unavailable."""
        codes = await self._get(f"/codes?on={on}" if on else "/codes")
        return {each["code"]: each for each in codes[table]}

    async def code_words(self) -> Mapping[str, Mapping[str, str]]:
        """What kinds and fundings are called, as last heard; what nobody has told stays a code."""
        with suppress(Unavailable):
            codes = await self._get("/codes")
            self.called.update({name: {each["code"]: each["label"] for each in codes[name]} for name in ("kinds", "fundings")})
        return self.called

    async def authorisation(self, content: Content) -> Words:
        """By which authorised use a person would enter: the placement that will say so is not there yet. Raises Unavailable."""
        found = (await self._get(f"/units/{content.unit_id}/reservations"))["items"]
        return next(
            (
                {name: each[name] for name in ("authorisation_no", "authorised_on")}
                for each in found
                if each["id"] == str(content.reservation_id)
            ),
            {},
        )

    async def _get(self, path: str) -> dict[str, Any]:
        try:
            answer = await self.client.get(path, headers={"Authorization": f"Bearer {self.token()}"})
        except httpx.TransportError as error:
            raise Unavailable("roster") from error
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"roster answered {answer.status_code}")
        found: dict[str, Any] = answer.json()
        return found


def _head(notice: Notice, on: date, issuer: str) -> Words:
    return {
        "title": notice.title,
        "issuer": issuer,
        "number": notice.document_no,
        "issued_on": on.isoformat(),
        "case_no": notice.application_number,
        "application_no": notice.application_number,
        "copies": COPIES,
    }


def _place(notice: Notice, unit: Words, codes: Words) -> Words:
    """The unit and the row of its establishment, as they stand after the effect."""
    rows = [row for row in unit["establishments"] if (row["kind"], row["funding"]) == (notice.kind, notice.funding)]
    figures = {name: row[name] for row in rows for name in ("quota", "headcount", "reserved", "available")}
    names = {"kind": _label(codes["kinds"], notice.kind), "funding": _label(codes["fundings"], notice.funding)}
    counted_in = next((_counted_in(each) for each in codes["kinds"] if each["code"] == notice.kind), _ESTABLISHMENT)
    return {"unit": unit["name"], "unit_code": unit["uscc"] or unit["code"], "counted_in": counted_in} | names | figures


def _counted_in(kind: Words) -> str:
    """What is no 编制 in law is not called so."""
    return _ESTABLISHMENT if kind["counted"] else next((word for word in _COUNTED_IN if kind["label"].endswith(word)), kind["label"])


def _post_use(notice: Notice, done: Done, on: date) -> Words:
    until = done.expires_on.isoformat() if done.expires_on else None
    return {
        "posts": notice.posts,
        "matter": notice.application_title,
        "approved_on": on.isoformat(),
        "valid_until": until,
        "basis": _basis(notice),
    }


def _person(person: Words) -> Words:
    placement = person["placement"] or {}
    return {
        "person": person["name"],
        "sex": _SEX.get(person["sex"], person["sex"]),
        "id_number": person["id_number"],
        "born_on": person["certified_birth_on"] or person["birth_on"],
        "identity": LABELS.get(PersonIdentity(person["identity"]), "—"),
        "position": person["title"] or "—",
        "rank": person["professional_title"] or "—",
        "authorisation_no": placement.get("authorisation_no"),
        "authorised_on": placement.get("authorised_on"),
    }


def _entry(notice: Notice, codes: Words) -> Words:
    return {"source": _label(codes["entry_reasons"], notice.reason_code), "entered_on": _text(notice.effective_on)}


def _movement(notice: Notice, words: Words, origin: str, codes: Words) -> Words:
    """The rows of 出编通知单 and 调动通知单."""
    leaving = notice.type is ApplicationType.EXIT
    act = "出编" if leaving else "调动"
    rows = [("姓名", words["person"]), ("公民身份号码", words["id_number"]), ("编制类型", words["kind"]), ("经费形式", words["funding"])]
    if leaving:
        rows += [("所在单位", origin), ("出编原因", _label(codes["exit_reasons"], notice.reason_code))]
    else:
        rows += [("调出单位", origin), ("调入单位", words["unit"])]
    opening = f"你单位申报的人员{act}事项（{notice.application_number}）收悉。经审核，同意下列人员{act}，请据此办理有关手续。"
    return {
        "opening": opening,
        "rows": [*rows, (f"{act}日期", _written(notice.effective_on)), ("依据", _basis(notice))],
    }


def _change(notice: Notice, words: Words, change: Words) -> Words:
    """The rows of 人员信息变更核准单: each field before and after, sensitive ones as the roster masks them."""
    rows = [
        ("姓名", words["person"]),
        ("公民身份号码", words["id_number"]),
        ("所在单位", words["unit"]),
        ("证明文号", change["document_no"]),
    ]
    rows += [(each["label"], f"{each['before'] or '—'} → {each['after'] or '—'}") for each in change["items"]]
    opening = f"你单位申报的人员信息变更事项（{notice.application_number}）收悉。经审核，同意变更下列信息，请据此更新有关台账。"
    return {"opening": opening, "rows": [*rows, ("依据", _basis(notice))]}


def _revocation(notice: Notice, revoked_no: str) -> Words:
    """The rows of 撤销通知单: which document no longer holds, and why. What it brought about is mended by corrections of its own."""
    opening = f"经核查，原发{revoked_no}（{notice.application_number}）存在下列情形，现予撤销，自本通知单签发之日起不再作为办理依据。"
    return {"opening": opening, "rows": [("被撤销文号", revoked_no), ("撤销文号", notice.document_no), ("撤销原因", notice.reason)]}


def _basis(notice: Notice) -> str:
    return f"单位申请 {notice.application_number}"


def _label(codes: list[Words], code: str | None) -> str:
    return next((each["label"] for each in codes if each["code"] == code), code or "—")


def _written(day: date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "—"


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None

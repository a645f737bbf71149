"""Whether the cells of one row agree with each other. What follows from another cell is filled in and said."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date

from services.roster.models.fields import Sheet
from services.roster.models.imports import JudgedRow
from services.roster.rules.persons import LATE, is_senior, late_is_closed
from shared.glossary import LABELS, PersonIdentity, PostCategory
from shared.law.uscc import parse_uscc

YOUNGEST = 14
_PARTY_AGE = 18
_MAY_LIE_AHEAD = frozenset({"use_until", "contract_until", "seconded_until"})
_RETIREMENT_SEX = {"M60": "M", "F55": "F", "F50": "F", "SPECIAL": "F"}
_UNTOLD_SEX = frozenset({None, "unknown_sex", "unsaid_sex"})
_SERVANTS = frozenset({PersonIdentity.CIVIL_SERVANT, PersonIdentity.LIKE_CIVIL_SERVANT})
_OUTSIDE = frozenset({None, PersonIdentity.OFF_ESTABLISHMENT, PersonIdentity.STATE_ENTERPRISE, PersonIdentity.UNKNOWN})
_SENIOR_LEVELS = frozenset({"title_full_senior", "title_associate_senior"})
_TITLED = re.compile(r".+(?:同志|女士|先生|书记|主任|[局科处股所站队院校镇乡县市区部厅组]长)")
LEFT = "left"
_OF_PEOPLE = frozenset({"roster", "offestablishment"})
_UNKNOWN = {"identity": PersonIdentity.UNKNOWN, "post_category": PostCategory.UNKNOWN}
FROM_NUMBER = ("sex", "birth_on")
_OF_NUMBER = "已按公民身份号码填入，请核对"
_FILLED = {name: f"按“{LABELS[unknown]}”记入，请尽快补填" for name, unknown in _UNKNOWN.items()} | dict.fromkeys(FROM_NUMBER, _OF_NUMBER)
"""What a row need not tell, and what is said where it does not."""


def from_number(number: str) -> dict[str, str]:
    """What a number, read from its cell and so right in form and check digit, tells of its bearer: the fields of `FROM_NUMBER`."""
    return {"sex": "M" if int(number[16]) % 2 else "F", "birth_on": f"{number[6:10]}-{number[10:12]}-{number[12:14]}"}


def untold(sheet: Sheet, there: Collection[str]) -> Iterator[str]:
    """What is said once of a file that has no column for what is filled in, and not of each row."""
    if sheet.kind in _OF_PEOPLE:
        yield from (f"文件中没有“{sheet.by_name[name].label}”一列，各行{said}" for name, said in _FILLED.items() if name not in there)


class Agreement:
    """Judges one row after the other. `populations`: a kind of establishment to its population; `there`: the fields that the file tells."""

    def __init__(self, sheet: Sheet, today: date, populations: Mapping[str, str], there: Collection[str]) -> None:
        self._sheet, self._today, self._populations, self._there = sheet, today.isoformat(), populations, there
        self._days = [each.name for each in sheet.fields if each.kind in {"day", "month"} and each.name not in _MAY_LIE_AHEAD]
        self._judge: tuple[Callable[[JudgedRow], None], ...] = {
            "units": (self._unit,),
            "units_with_posts": (self._unit, self._quota),
            "quotas": (self._quota,),
            "roster": (self._person, self._post),
            "offestablishment": (self._person, self._contract),
        }.get(sheet.kind, ())

    def judge(self, row: JudgedRow) -> None:
        """Add what is found; fill in what follows."""
        values = row.values
        for name in self._days:
            if (found := values.get(name)) is not None and found > self._today:
                row.complain(name, f"晚于今天（{self._today}），请核对")
        for judge in self._judge:
            judge(row)

    def fill(self, row: JudgedRow) -> None:
        """Before the mandatory fields are asked for: sex and birth from the number, and what is not known as not known."""
        if self._sheet.kind not in _OF_PEOPLE:
            return
        values = row.values
        for name, unknown in _UNKNOWN.items():
            if values.get(name) is None and not row.complained(name):
                values[name] = unknown.value
                self._filled(row, name, "未填写，")
        if values.get("id_number") is not None:
            self._fill_from_number(row)

    def _fill_from_number(self, row: JudgedRow) -> None:
        values = row.values
        number = values["id_number"]
        sex, born = from_number(number).values()
        told = values.get("sex")
        if told in _UNTOLD_SEX and not row.complained("sex"):
            values["sex"] = sex
            self._filled(row, "sex", "未填写，" if told is None else "为未知或未说明，")
        elif told not in {None, sex}:
            row.complain("sex", "与公民身份号码不一致，请核对两项中哪一项有误")
        written = values.get("birth_on")
        if written is None and not row.complained("birth_on"):
            self._filled(row, "birth_on", "未填写，")
        elif written is not None and len(written) == 7 and written != born[:7]:
            values["birth_on"] = None
            row.complain("birth_on", "与公民身份号码不一致，且只有年月。请核对；以档案为准的，请写出完整日期")
            return
        elif written is not None and len(written) > 7 and written != born:
            self._certified(row, written)
        if not row.complained("birth_on"):
            values["birth_on"] = born
        if values.get("certified_birth_on") == born:
            values["certified_birth_on"] = None

    def _certified(self, row: JudgedRow, written: str) -> None:
        """A birth date other than the number's is the certified one and governs (domain §1.4 no. 4)."""
        if row.values.get("certified_birth_on") is None:
            row.values["certified_birth_on"] = written
            row.warn("birth_on", "与公民身份号码中的日期不同：以此处（档案认定）的日期为准，请确认")
        elif row.values["certified_birth_on"] != written:
            row.complain("birth_on", "与公民身份号码不一致，也与档案认定出生日期不同，请核对")

    def _person(self, row: JudgedRow) -> None:
        values = row.values
        if _TITLED.fullmatch(values.get("name") or ""):
            row.warn("name", "末尾似为称谓或职务，请核对：姓名中不写称谓，职务另填")
        born = values.get("certified_birth_on") or values.get("birth_on")
        if born is None or len(born) < 10:
            return
        for name, age, what in (
            ("started_on", YOUNGEST, "入编（用工）时"),
            ("work_began_on", YOUNGEST, "参加工作时"),
            ("party_joined_on", _PARTY_AGE, "入党时"),
        ):
            at = values.get(name)
            if at is not None and _years(born, at) < age:
                sentence = f"{what}不足 {age} 周岁，请核对出生日期和该日期"
                (row.warn if name == "party_joined_on" else row.complain)(name, sentence)
        for earlier, later, sentence in (
            ("work_began_on", "started_on", "早于参加工作时间，请核对两个日期"),
            ("work_began_on", "title_since", "早于参加工作时间，请核对两个日期"),
        ):
            if values.get(earlier) and values.get(later) and values[later][:7] < values[earlier][:7]:
                row.warn(later, sentence)
        self._title(row)

    def _title(self, row: JudgedRow) -> None:
        title, level = row.values.get("professional_title"), row.values.get("professional_title_level")
        if title is not None and level is not None and is_senior(title) != (level in _SENIOR_LEVELS):
            row.warn("professional_title_level", "与专业技术职务不一致，请核对")

    def _post(self, row: JudgedRow) -> None:
        values = row.values
        if self._populations.get(values.get("kind", "")) == "off_establishment":
            row.complain("kind", "编外人员不占编制，请填入“编外人员”表")
        elif values.get("identity") == PersonIdentity.OFF_ESTABLISHMENT:
            row.complain("identity", "编外人员不占编制，请改正人员身份，或填入“编外人员”表")
        retirement, sex = values.get("retirement_category"), values.get("sex")
        if retirement is not None and sex is not None and _RETIREMENT_SEX.get(retirement, sex) != sex:
            row.complain("retirement_category", "与性别不符，请核对")
        elif retirement is not None and values.get("retirement_reason") is None:
            row.warn("retirement_reason", "自行填写退休类别的，请写明依据")
        if values.get("authorised_on") and values.get("started_on") and values["authorised_on"] > values["started_on"]:
            row.warn("authorised_on", "晚于入编时间（应先核编后进人），请核对")
        if values.get("entered_on") and values.get("started_on") and values["entered_on"] > values["started_on"]:
            row.warn("entered_on", "晚于入编时间，请核对两个日期")
        if values.get("flexible_retirement") == LATE and late_is_closed(
            values.get("identity"), values.get("leadership_level"), values.get("post_category")
        ):
            row.complain("flexible_retirement", "公务员、参公人员和领导、管理人员不适用弹性延迟退休，请核对")
        self._secondment(row)
        self._exit(row)

    def _exit(self, row: JudgedRow) -> None:
        """Of who has left: when, why, and on which document."""
        values = row.values
        ended_on = values.get("ended_on")
        if ended_on is None:
            if values.get("exit_reason") or values.get("exit_document_no") or values.get("duty_status") == LEFT:
                row.complain("ended_on", "已出编的，须填出编时间；仍在编的，请删去出编原因和出编文号，并改正人员状态")
            return
        if values.get("started_on") and ended_on <= values["started_on"]:
            row.complain("ended_on", "不晚于入编时间，请核对两个日期")
        if values.get("exit_reason") is None and not row.complained("exit_reason"):
            row.complain("exit_reason", "已出编的，须填出编原因，请补填")
        if values.get("exit_document_no") is None:
            row.warn("exit_document_no", "没有出编文号，请尽快补填")
        if values.get("duty_status") not in {None, LEFT}:
            row.complain("duty_status", "填了出编时间的，人员状态应为“已出编”，请改正其中一项")
        if values.get("seconded_to") is not None:
            row.complain("seconded_to", "已出编的人员没有在借的借调，请删去借调各列")

    def _secondment(self, row: JudgedRow) -> None:
        values = row.values
        if values.get("seconded_to") is None:
            if values.get("seconded_from_on") or values.get("seconded_until"):
                row.complain("seconded_to", "填了借调时间而没有借出单位，请补填或删去时间")
            return
        if values["seconded_to"] == values.get("unit"):
            row.complain("seconded_to", "借出单位就是所在单位，请核对")
        for name in ("seconded_from_on", "seconded_until"):
            if values.get(name) is None and not row.complained(name):
                row.complain(name, "有借出单位的，须填借调的起止日期，请补填")
        if values.get("seconded_from_on") and values.get("seconded_until") and values["seconded_until"] < values["seconded_from_on"]:
            row.complain("seconded_until", "早于借调开始日期，请核对")
        if values.get("secondment_document_no") is None:
            row.warn(
                "secondment_document_no",
                "没有借调文号：期初建账中按未经批准的借调记入；单位已在日常使用的，须补填文号，否则借调不登记",
            )

    def _contract(self, row: JudgedRow) -> None:
        values = row.values
        if values.get("contract_until") and values.get("started_on") and values["contract_until"] < values["started_on"]:
            row.complain("contract_until", "早于用工起始日期，请核对")
        if values.get("contract_until") and values["contract_until"] < self._today:
            row.warn("contract_until", "合同已到期而仍列为在用，请核对：已离开的删去此行，续签的改为新的到期日期")
        if values.get("identity") not in _OUTSIDE:
            found = row.complain if values["identity"] in _SERVANTS else row.warn
            found("identity", "编外人员表只填编外人员，请改正；占用编制的人员请填入“人员”表")
        if values.get("employment_form") == "dispatch" and values.get("dispatch_company") is None:
            row.warn("dispatch_company", "劳务派遣的，请填写派遣单位")

    def _unit(self, row: JudgedRow) -> None:
        values = row.values
        if values.get("uscc") and (doubt := parse_uscc(values["uscc"]).warning):
            row.warn("uscc", f"{doubt}（早期试点的代码可能如此），请核对")
        if values.get("parent") is not None and values["parent"] in {values.get("name"), values.get("uscc")}:
            row.complain("parent", "主管部门就是本单位，请改正或留空")
        if (values.get("leaders_above_rank") is None) != (values.get("leaders_above_rank_no") is None):
            row.complain("leaders_above_rank_no", "单位领导高配和批准高配的文号须一并填写，请补填或一并删去")
        if values.get("public_welfare") and values.get("nature") and values["nature"] != "institution":
            row.warn("public_welfare", "只有事业单位才有公益类别，请核对单位性质")

    def _quota(self, row: JudgedRow) -> None:
        until, on = row.values.get("use_until"), row.values.get("document_on")
        if row.values.get("kind") == "ZZ" and until is None:
            row.warn("use_until", "周转编制有使用期限，请补填")
        if until is not None and on is not None and until < on:
            row.complain("use_until", "早于批准日期，请核对两个日期")

    def _filled(self, row: JudgedRow, name: str, why: str) -> None:
        if name in self._there:
            row.warn(name, f"{why}{_FILLED[name]}")


def _years(born: str, at: str) -> int:
    """Full years between two ISO days."""
    return int(at[:4]) - int(born[:4]) - (at[5:] < born[5:])

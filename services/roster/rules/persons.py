"""Who a person is in law: the ID number's checks, and the retirement category and month.

Sources: GB 11643-1999; 国务院关于渐进式延迟法定退休年龄的办法; 组通字〔2015〕14号 (women of 县处级 or with 高级职称).
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from services.roster.models.facts import PersonRecord
from services.roster.models.fields import PERSONS, Kind
from services.roster.models.loads import LoadedPerson
from services.roster.models.persons import RECORD, PersonFacts
from services.roster.models.refusals import (
    BirthDiffersFromId,
    IdNumberInvalid,
    LateRetirementClosed,
    LifeInFuture,
    RetirementCategoryMismatch,
    RetirementReasonMissing,
    SexDiffersFromId,
    SinceBeforeBirth,
)
from shared.events.roster import RetirementFact
from shared.glossary import PersonIdentity, PostCategory
from shared.law.citizen_id import InvalidCitizenId, parse_citizen_id
from shared.law.retirement import Category, CategoryMismatch, Sex, YearMonth, retirement

LONGEST_DELAY = 36
"""Months that 弹性延迟 may last."""
UNKNOWN = RetirementFact(category="unknown", month=None)
# 高级工, 高级技工 and 高级技师 are grades of workers; of arts, law and letters the first two grades are senior, of most others (一级教师, 一级播音员) none is
_SENIOR = re.compile(
    r"正高|副高|高级(?!工(?!程|艺)|技[师工能]|技术工)|教授|研究员|研究馆员|编审|译审|播音指导|国家级教练"
    r"|主任(?:[中法]?医师|中?药师|[护技]师|舞台技师|记者|编辑|播音员)"
    r"|[一二]级(?:演员|演奏员|编剧|编导|导演|指挥|作曲|作词|词曲|美术师|舞[美台]|舞蹈|灯光|演出监督|录音师|摄[影像]|剪辑|文学创作|作家|律师|公证员)"
    r"|文学创作[一二]级|一级翻译"
)
# 小学高级教师 is a middle title (中小学高级教师 is not), 助理研究员, 助理馆员 and 实习研究员 too
_NOT_SENIOR = re.compile(r"(?<!中)小[学教]高级|助理|实习研究")
_FULL = re.compile(
    r"正高|(?<!副)(?:教授|研究员|研究馆员|编审|译审)|播音指导|国家级教练|高级(?:记者|编辑)|(?<!副)主任(?:[中法]?医师|中?药师|[护技]师)"
    r"|一级(?:演员|演奏员|编剧|编导|导演|指挥|作曲|作词|词曲|美术师|舞|灯光|演出监督|录音师|摄|剪辑|文学创作|作家|律师|公证员)|文学创作一级"
)
"""Of the senior titles those of the first grade."""
_LOWER_LEVELS = (
    ("title_entry", re.compile(r"员级|三级教师|护士$|药士|技士|技术员|(?:会计|经济|统计)员")),
    (
        "title_junior",
        re.compile(
            r"初级|二级教师|助教|实习研究员|助理(?!研究员)\w{0,6}(?:师|员|编辑|记者)|^(?:住院)?[中法]?医师$|^[护药]师$|(?:检验|影像|放射|康复)技师$"
        ),
    ),
    (
        "title_middle",
        re.compile(
            r"中级|(?<!中)小[学教]高级|一级教师|讲师|助理研究员|主治[中法]?医师|主管[护药技]师|工程师|馆员"
            r"|(?:经济|会计|统计|审计|农艺|畜牧|政工|工艺美术)师$|^(?:编辑|记者)$"
        ),
    ),
)
"""Titles below the senior ones whose level nobody doubts; the first that fits counts."""
_DAYS = tuple(each.name for each in PERSONS.fields if each.kind in {Kind.DAY, Kind.MONTH} and each.name in RECORD)
_OPEN_GRADES = frozenset({None, "no_leading_post"})
LATE = "flexible_late"
_COUNTY_RANK = re.compile(r"县处级|[正副]处级|[正副]县级")
_COUNTY_GRADES = frozenset({"bureau_head", "bureau_deputy", "county_head", "county_deputy"})
_CATEGORY_OF_FACT = {Category.M60: "M60", Category.F55: "F55", Category.F50: "F50", Category.SPECIAL: "special"}


def checked_number(text: str, sex: Sex, birth_on: object) -> str:
    """The number in its normal form. The area digits are not judged: abolished areas stay valid for life."""
    try:
        number = parse_citizen_id(text)
    except InvalidCitizenId as error:
        raise IdNumberInvalid(detail=error) from None
    if number.sex is not sex:
        raise SexDiffersFromId
    if number.born_on != birth_on:
        raise BirthDiffersFromId
    return number.number


def ensure_born(person: PersonRecord, since: date | None) -> None:
    """Nothing of somebody changes from a day on before he was born, by whichever of his dates."""
    born = [day for day in (person.birth_on, person.certified_birth_on) if day]
    if since is not None and since < min(born):
        raise SinceBeforeBirth


def ensure_past(told: Mapping[str, object], today: date) -> None:
    """No day that is told of somebody's life lies ahead."""
    ahead = [name for name in _DAYS if isinstance(day := told.get(name), date) and day > today]
    if ahead:
        raise LifeInFuture(fields="、".join(PERSONS.by_name[name].label for name in ahead))


def ensure_category_fits(person: PersonFacts | PersonRecord, override: Category | None) -> None:
    """An override must exist for the person's sex."""
    if override is not None:
        try:
            retirement(YearMonth(person.birth_on.year, person.birth_on.month), person.sex, override)
        except CategoryMismatch:
            raise RetirementCategoryMismatch from None


def late_is_closed(identity: str | None, leadership_level: str | None, post_category: str | None) -> bool:
    """Whether somebody must go in his statutory month: civil servants, leaders, and managers of institutions and state enterprises."""
    if identity in {PersonIdentity.CIVIL_SERVANT, PersonIdentity.LIKE_CIVIL_SERVANT, PersonIdentity.MANAGER}:
        return True
    manages = identity == PersonIdentity.STATE_ENTERPRISE and post_category == PostCategory.MANAGERIAL
    return manages or leadership_level not in _OPEN_GRADES


def ensure_late_open(person: PersonFacts | PersonRecord, chosen: object) -> None:
    """A choice of flexible retirement must be open to the person."""
    if chosen == LATE and late_is_closed(person.identity, person.leadership_level, person.post_category):
        raise LateRetirementClosed


@lru_cache(8_192)
def title_level(title: str) -> str | None:
    """职称级别 of a title as registers write it; none where the words do not tell. It decides nothing: the retirement category reads the title."""
    if is_senior(title):
        return "title_full_senior" if _FULL.search(title) else "title_associate_senior"
    return next((level for level, words in _LOWER_LEVELS if words.search(title)), None)


def is_senior(title: str) -> bool:
    """正高 or 副高."""
    return _SENIOR.search(title) is not None and _NOT_SENIOR.search(title) is None


def ensure_override_grounded(person: PersonFacts | PersonRecord, override: Category | None) -> None:
    """An override must fit, and say why the category is another than post and title say."""
    ensure_category_fits(person, override)
    if override is not None and not person.retirement_reason:
        raise RetirementReasonMissing


def retirement_category(person: PersonRecord | LoadedPerson) -> Category | None:
    """Men M60. Women by post and title, not by sex alone: senior title or 县处级 special, managerial and technical posts F55, manual posts F50.

    None when the post is not known: nobody is judged by a guess.
    """
    if person.retirement_override is not None:
        return person.retirement_override
    if person.sex is Sex.MALE:
        return Category.M60
    if _is_special(person):
        return Category.SPECIAL
    if person.post_category is PostCategory.MANUAL or person.identity is PersonIdentity.WORKER:
        return Category.F50
    civil = person.identity in {PersonIdentity.CIVIL_SERVANT, PersonIdentity.LIKE_CIVIL_SERVANT}
    if civil or person.post_category in {PostCategory.MANAGERIAL, PostCategory.TECHNICAL}:
        return Category.F55
    return None


def retirement_fact(person: PersonRecord | LoadedPerson) -> RetirementFact:
    """Category and statutory month, from the certified birth date where there is one; it governs."""
    category = retirement_category(person)
    if category is None:
        return UNKNOWN
    born = person.certified_birth_on or person.birth_on
    return _fact(YearMonth(born.year, born.month), person.sex, category)


def retirement_due(person: PersonRecord | LoadedPerson) -> RetirementFact:
    """The same as those are told who watch how long somebody stays: a registered 弹性延迟 names no month, and ends after three years at the latest
    (人社部发〔2024〕94号; domain §4.2 M09, §7.3).
    """
    fact = retirement_fact(person)
    if fact.month is None or person.flexible_retirement != LATE:
        return fact
    return fact.model_copy(update={"month": str(YearMonth.parse(fact.month).plus(LONGEST_DELAY))})


@lru_cache(8_192)
def _fact(born: YearMonth, sex: Sex, category: Category) -> RetirementFact:
    """A list asks for thousands, of a few hundred months."""
    month = retirement(born, sex, category).month
    return RetirementFact.model_validate({"category": _CATEGORY_OF_FACT[category], "month": str(month) if month else None})


def _is_special(person: PersonRecord | LoadedPerson) -> bool:
    senior = is_senior(person.professional_title or "")
    return senior or person.leadership_level in _COUNTY_GRADES or _COUNTY_RANK.search(person.title or "") is not None

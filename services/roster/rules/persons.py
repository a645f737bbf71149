"""Who a person is in law: the ID number's checks, and the retirement category and month.

Sources: GB 11643-1999; 国务院关于渐进式延迟法定退休年龄的办法; 组通字〔2015〕14号 (women of 县处级 or with 高级职称).
"""

import re
from functools import lru_cache

from services.roster.models.facts import PersonRecord
from services.roster.models.loads import LoadedPerson
from services.roster.models.persons import PersonFacts
from services.roster.models.refusals import (
    BirthDiffersFromId,
    IdNumberInvalid,
    RetirementCategoryMismatch,
    RetirementReasonMissing,
    SexDiffersFromId,
)
from shared.events.roster import RetirementFact
from shared.glossary import PersonIdentity, PostCategory
from shared.law.citizen_id import InvalidCitizenId, parse_citizen_id
from shared.law.retirement import Category, CategoryMismatch, Sex, YearMonth, retirement

UNKNOWN = RetirementFact(category="unknown", month=None)
# 高级工 and 高级技师 are grades of workers, 小学高级教师 is a middle title, 助理研究员 and 助理馆员 too
_SENIOR = re.compile(r"正高|副高|高级(?!工(?!程|艺)|技师)|教授|研究员|研究馆员|主任[医药护技]师|主任记者|主任编辑|编审")
_NOT_SENIOR = re.compile(r"小学高级|助理")
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


def ensure_category_fits(person: PersonFacts | PersonRecord, override: Category | None) -> None:
    """An override must exist for the person's sex."""
    if override is not None:
        try:
            retirement(YearMonth(person.birth_on.year, person.birth_on.month), person.sex, override)
        except CategoryMismatch:
            raise RetirementCategoryMismatch from None


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


@lru_cache(8_192)
def _fact(born: YearMonth, sex: Sex, category: Category) -> RetirementFact:
    """A list asks for thousands, of a few hundred months."""
    month = retirement(born, sex, category).month
    return RetirementFact.model_validate({"category": _CATEGORY_OF_FACT[category], "month": str(month) if month else None})


def _is_special(person: PersonRecord | LoadedPerson) -> bool:
    title = person.professional_title or ""
    senior = _SENIOR.search(title) is not None and _NOT_SENIOR.search(title) is None
    return senior or person.leadership_level in _COUNTY_GRADES or _COUNTY_RANK.search(person.title or "") is not None

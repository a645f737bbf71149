"""Invented names and numbers with right check digits. The area 330499 was never assigned, so that nobody can be meant."""

from datetime import date, timedelta
from random import Random

from deploy.city import words
from shared.law import citizen_id, uscc

AREA, OLD_AREA = "330499", "330498"
"""Never assigned, both. The second one plays the abolished area: a system that judges by today's list would refuse it."""
HAN = "汉族"
SEQUENCES = 500
"""How many people of one sex may be born on a day in an area."""
_PEOPLES, _SHARES = zip(*words.PEOPLES, strict=True)


class Inventor:
    """Makes people and codes from one seed: the same seed, the same city. `first_sequence` (below 500) keeps two inventors apart; so do the parts
    of a whole, among whom all numbers are divided.
    """

    def __init__(self, seed: int | str, first_sequence: int = 0, part: int = 0, parts: int = 1) -> None:
        self._first = first_sequence or part * SEQUENCES // parts
        self._end = (part + 1) * SEQUENCES // parts
        self._part, self._parts = part, parts
        self.chance = Random(seed)  # noqa: S311  a city, not a secret
        self._numbers: dict[tuple[str, date, str], int] = {}
        self._codes: set[str] = set()

    def name(self, sex: str, born_in: int = 1985, chance: Random | None = None) -> str:
        """A name of two or three characters, seldom four, as people were named in that decade."""
        chance = chance or self.chance
        while (name := self._name(sex, born_in, chance)) in words.LEADERS:
            pass
        return name

    def _name(self, sex: str, born_in: int, chance: Random) -> str:
        [surname] = chance.choices(words.SURNAMES, words.SURNAME_WEIGHTS)
        given = chance.choice(words.GIVEN[sex, max(1960, min(born_in // 10 * 10, 1990))])
        if chance.random() < 0.012:
            given = chance.choice(words.RARE_GIVEN) + (given[-1] if len(given) > 1 else "")
        return f"{surname}{given}"

    def people(self, sex: str, born_in: int, chance: Random) -> tuple[str, str]:
        """Name and people (民族): 97.5 % are 汉族; some names of others are written with a dot (U+00B7)."""
        if chance.random() < 0.975:
            return self.name(sex, born_in, chance), HAN
        [people] = chance.choices(_PEOPLES, _SHARES)
        if people in words.DOTTED:
            return f"{chance.choice(words.DOTTED[people][sex])}·{chance.choice(words.DOTTED[people]['M'])}", people
        return self.name(sex, born_in, chance), people

    def birth_date(self, today: date, youngest: int, oldest: int) -> date:
        """A birth date of somebody between two ages."""
        return today - timedelta(days=self.chance.randint(youngest * 365 + 6, oldest * 365))

    def id_number(self, born_on: date, sex: str, area: str = AREA) -> str:
        """A citizen identity number nobody in this city has yet (GB 11643-1999). Where a day's numbers are used up, one of the other area."""
        used = self._numbers.get((area, born_on, sex), self._first)
        if used >= self._end:
            if area != AREA:
                raise ValueError(f"no number is left for {born_on}")
            return self.id_number(born_on, sex, OLD_AREA)
        self._numbers[area, born_on, sex] = used + 1
        first = f"{area}{born_on:%Y%m%d}{2 * used + (sex == 'M'):03d}"
        return first + citizen_id.check_digit(first)

    def uscc(self, register: str, name: str = "") -> str:
        """A unified social credit code: 11 organs, 12 institutions, 13 people's organisations, 91 companies (GB 32100-2015).

        With a name it is that name's own: the same in a city of any size.
        """
        chance = Random(f"{name}/{register}") if name else self.chance  # noqa: S311  as above
        while True:
            organisation = f"{chance.randrange(10**8):08d}"
            if int(organisation) % self._parts == self._part and organisation not in self._codes:
                self._codes.add(organisation)
                first = f"{register}{AREA}{organisation}{uscc.organisation_check(organisation)}"
                return first + uscc.check_character(first)

"""Invented names and numbers with right check digits. The area 330499 was never assigned, so that nobody can be meant."""

from datetime import date, timedelta
from random import Random

from shared.law import citizen_id, uscc

AREA = "330499"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
_MALE = "伟强磊军勇杰涛明超鹏辉斌宇浩凯健俊帆毅峰志文建国海波晨阳博睿泽轩一鸣子豪天佑承安景行"
_FEMALE = "芳娜敏静丽艳娟霞秀英慧莹雪琳晶佳怡欣悦婷蕾薇倩雅诗涵梦瑶思颖若兰语嫣书瑾心月清浅以宁"


class Inventor:
    """Makes people and codes from one seed: the same seed, the same city. `first_sequence` (below 500) keeps two inventors apart."""

    def __init__(self, seed: int, first_sequence: int = 0) -> None:
        self._first = first_sequence
        self.chance = Random(seed)  # noqa: S311  a city, not a secret
        self._numbers: dict[tuple[date, str], int] = {}
        self._codes: set[str] = set()

    def name(self, sex: str) -> str:
        """A name of two or three characters."""
        given = self.chance.choices(_MALE if sex == "M" else _FEMALE, k=self.chance.choice((1, 2, 2, 2)))
        return self.chance.choice(_SURNAMES) + "".join(given)

    def birth_date(self, today: date, youngest: int, oldest: int) -> date:
        """A birth date of somebody between two ages."""
        return today - timedelta(days=self.chance.randint(youngest * 365 + 6, oldest * 365))

    def id_number(self, born_on: date, sex: str) -> str:
        """A citizen identity number nobody in this city has yet (GB 11643-1999)."""
        used = self._numbers.get((born_on, sex), self._first)
        self._numbers[born_on, sex] = used + 1
        first = f"{AREA}{born_on:%Y%m%d}{2 * used + (sex == 'M'):03d}"
        return first + citizen_id.check_digit(first)

    def uscc(self, register: str) -> str:
        """A unified social credit code of a register: 11 organs, 12 institutions, 13 people's organisations (GB 32100-2015)."""
        while True:
            organisation = f"{self.chance.randrange(10**8):08d}"
            if organisation not in self._codes:
                self._codes.add(organisation)
                first = f"{register}{AREA}{organisation}{uscc.organisation_check(organisation)}"
                return first + uscc.check_character(first)

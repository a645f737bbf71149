"""How Chinese words are spelt (汉语拼音): by this lists of names are ordered and searched. What is computed here is stored beside the name."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, islice

os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")  # phrases cost each process 45 MB; the few that names here need stand below

from pypinyin import Style, pinyin

_SURNAMES = dict(
    pair.split(":")
    for pair in [
        "单:shan4",
        "曾:zeng1",
        "解:xie4",
        "仇:qiu2",
        "区:ou1",
        "查:zha1",
        "任:ren2",
        "盖:ge3",
        "召:shao4",
        "乐:yue4",
        "朴:piao2",
        "翟:zhai2",
        "覃:qin2",
        "华:hua4",
        "纪:ji3",
        "宁:ning4",
        "燕:yan1",
        "缪:miao4",
        "员:yun4",
        "种:chong2",
        "重:chong2",
        "谌:chen2",
        "葛:ge3",
        "过:guo1",
        "曲:qu1",
        "应:ying1",
        "那:na1",
        "哈:ha3",
        "黑:he4",
        "秘:bi4",
        "折:she2",
        "祭:zhai4",
        "隗:wei3",
        "牟:mou4",
        "句:gou1",
        "卜:bu3",
        "石:shi2",
        "都:du1",
        "车:che1",
        "尉:wei4",
        "冼:xian3",
        "相:xiang4",
        "令:ling2",
        "降:jiang4",
        "撒:sa4",
        "贾:jia3",
        "郇:xun2",
        "晟:cheng2",
        "朝:chao2",
        "行:xing2",
    ]
)
"""Surnames that are read otherwise than the character usually is."""
_COMMON = "单曾解仇区查翟覃"
"""Those that one meets, of which both readings are typed."""
_DOUBLE_SURNAMES = {"尉迟": "yu4 chi2", "万俟": "mo4 qi2", "单于": "chan2 yu2", "澹台": "tan2 tai2", "长孙": "zhang3 sun1"}
_WORDS = {
    "银行": "yin2 hang2",
    "行业": "hang2 ye4",
    "商行": "shang1 hang2",
    "会计": "kuai4 ji4",
    "重庆": "chong2 qing4",
    "长江": "chang2 jiang1",
    "长安": "chang2 an1",
    "长乐": "chang2 le4",
    "长兴": "chang2 xing1",
    "长期": "chang2 qi1",
    "特长": "te4 chang2",
    "厦门": "xia4 men2",
    "乐清": "yue4 qing1",
    "音乐": "yin1 yue4",
    "都市": "du1 shi4",
    "首都": "shou3 du1",
    "朝阳": "chao2 yang2",
    "大夫": "dai4 fu5",
    "重建": "chong2 jian4",
    "重阳": "chong2 yang2",
    "调解": "tiao2 jie3",
    "调节": "tiao2 jie2",
    "长城": "chang2 cheng2",
    "长河": "chang2 he2",
    "长沙": "chang2 sha1",
    "长春": "chang2 chun1",
    "长虹": "chang2 hong2",
    "长街": "chang2 jie1",
    "地方": "di4 fang1",
    "地": "di4",
    "都": "du1",
    "系": "xi4",
    "参": "can1",
    "中": "zhong1",
    "车": "che1",
    "传": "chuan2",
    "还": "huan2",
    "给": "ji3",
    "种": "zhong3",
}
"""Words, and characters, that stand in names of units and are read otherwise than the commonest reading of their characters."""
_LONGEST = max(map(len, _WORDS))
_TWICE_READ = frozenset("泊长行乐重朝都会校调传单曾解仇查盖朴覃区种柏番厦六盛藏薄降角宿尉莘莞浒圩埔堡峒蚌歙荥乾车巷弄伯秘泌禅澄畜杉虹繁系")
"""Characters of which two readings are common in names; of others the second one is not what anybody types."""
_OTHERWISE = 8
"""By how many readings more than the likeliest a text is found."""
_SYLLABLE_ENDS = re.compile("[aeiouv](ng?|r)?$")
_NOT_WRITTEN = re.compile(r"[\s'’·．.•]+")
UNSEEN = re.compile("[\u115f\u1160\u200b-\u200f\u202a-\u202e\u2060\u3164\ufeff\uffa0\u00ad\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""What copying from pages, chats and word processors leaves in a text and nobody sees, the choice of a glyph among it: taken out wherever it stands."""
BESIDE_HAN = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
"""Spaces beside a character that is none of ASCII: they are none of a Chinese text."""
_DOTS = re.compile(r"[•‧∙．・･●⋅ᐧ﹒。·]|(?<=[^\x00-\x7f])\.(?=[^\x00-\x7f])")
_DIGITS = str.maketrans("", "", "12345")
_LIKE_HAN = re.compile("[\u2e80-\u2fdf\uf900-\ufaff\U0002f800-\U0002fa1f]")
_RADICALS = str.maketrans(
    "⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰", "民虎西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙"
)
"""Those of the supplement (U+2E80 to U+2EFF) that are a character by themselves; Unicode has no decomposition of them."""
_UNUSUAL = re.compile(f"{UNSEEN.pattern}|{_LIKE_HAN.pattern}")
"""Few texts hold any of them: looked for once, where each would be looked for by itself."""


@dataclass(frozen=True)
class Spelt:
    """`key` orders: each character after its reading. `letters` and `initials` are what one types: zhangwei, zw."""

    key: str
    letters: str
    initials: str


@dataclass(frozen=True)
class Meant:
    """Names that were spelt otherwise than somebody types: how `letters` (or initials) begin, and how the `key` does, or which character they have
    behind the surname.
    """

    letters: str
    key: str = ""
    char: str = ""


def spelt_name(name: str) -> Spelt:
    """A person's name. The beginning of a name has the beginning of its key; characters without a reading stand for themselves, at the end."""
    read = [_SURNAMES.get(name[0], _reading(name[0])), *map(_reading, name[1:])] if name else []
    double = _DOUBLE_SURNAMES.get(name[:2], "").split()
    return _spelt(name, read, [*double, *read[len(double) :]])


def spelt(text: str) -> Spelt:
    """Any other text: words are looked up before characters."""
    read = list(_readings(text))
    return _spelt(text, read, read)


def written_plainly(text: str) -> str:
    """As one writes what one seeks: without spaces and dots, in small letters of usual width."""
    if text.isascii() and text.isalnum():
        return text.lower()
    return _NOT_WRITTEN.sub("", unicodedata.normalize("NFKC", standard_han(text)).casefold())


def plain_name(name: str) -> str:
    """A person's name as it is kept and sought: no spaces inside, the dot of minority names U+00B7."""
    return _DOTS.sub("·", BESIDE_HAN.sub("", standard_han(name)))


def standard_han(text: str) -> str:
    """The usual characters instead of radicals that a PDF gave out and of the forms of old fonts, without what nobody sees."""
    if _UNUSUAL.search(text) is None:
        return text
    usual = UNSEEN.sub("", text).translate(_RADICALS)
    return _LIKE_HAN.sub(lambda found: unicodedata.normalize("NFKC", found.group()), usual)


def is_letters(text: str) -> bool:
    """Whether somebody typed how it is spelt."""
    return UNSEEN.sub("", text).isascii()


def grams(text: str) -> set[str]:
    """All pieces of one, two and three characters."""
    return {text[start : start + size] for size in (1, 2, 3) for start in range(len(text) - size + 1)}


def sought_grams(text: str) -> list[str]:
    """The pieces that whatever holds this text must hold."""
    size = min(3, len(text))
    return sorted({text[start : start + size] for start in range(len(text) - size + 1)}) if text else []


def lines_of(texts: Iterable[str]) -> list[str]:
    """Each text as it is written, as it is spelt or may be read as well (月泊: yuepo, yuebo), and by its initials; once each."""
    lines: dict[str, None] = {}
    for text in texts:
        read = list(_readings(text))
        sounds = [_spelt(text, each, each) for each in (read, *islice(_read_otherwise(text, read), _OTHERWISE))]
        lines |= dict.fromkeys(written_plainly(each) for each in (text, *(line for one in sounds for line in (one.letters, one.initials))))
    return [line for line in lines if line]


def meant_otherwise(typed: str, *, initials: bool) -> list[Meant]:
    """Names with a character of two readings that somebody may mean who types the other one (danwei: 单伟). By initials only by their surname."""
    places = () if initials else [place for place in range(1, len(typed)) if _SYLLABLE_ENDS.search(typed[:place])]
    by_surname = [
        Meant(f"{stored}{typed[len(other) :]}", key=f"{_SURNAMES[char]}{char}")
        for char, stored, other in _surnames(initials=initials)
        if _may_begin(typed, other, stored)
    ]
    behind = [
        Meant(f"{typed[:place]}{stored}{typed[place + len(other) :]}", char=char)
        for place in places
        for char, stored, other in _in_given_names()
        if _may_begin(typed[place:], other, stored)
    ]
    return [*by_surname, *behind][:_OTHERWISE]


def _may_begin(typed: str, other: str, stored: str) -> bool:
    """Whether somebody is typing the other reading, or its beginning, and it is not the beginning of the stored one."""
    return typed.startswith(other) or (1 < len(typed) < len(other) and other.startswith(typed) and not stored.startswith(typed))


@cache
def _surnames(*, initials: bool) -> list[tuple[str, str, str]]:
    """Surnames as they are stored, and as who does not know them reads them; the initials of the common ones."""
    size, some = (1, _COMMON) if initials else (None, _SURNAMES)
    read = [(char, _letters(_SURNAMES[char])[:size], _letters(_reading(char))[:size]) for char in some]
    return [(char, stored, other) for char, stored, other in read if stored != other]


@cache
def _in_given_names() -> list[tuple[str, str, str]]:
    """The same of characters behind a surname."""
    return [(char, _letters(_reading(char)), other) for char in sorted(_TWICE_READ) if (other := _other(char))]


def _read_otherwise(text: str, read: list[str]) -> Iterator[list[str]]:
    """One character by its other common reading, each in turn; then two, and so on."""
    unsure = [place for place, char in enumerate(text) if read[place] == _reading(char)]  # otherwise a word of ours says how it is read
    others = {place: other for place in unsure if (other := _other(text[place]))}
    for number in range(1, len(others) + 1):
        for places in combinations(others, number):
            yield [others[place] if place in places else sound for place, sound in enumerate(read)]


@lru_cache(16_384)
def _other(char: str) -> str:
    """The less common reading of a character that has two."""
    if char not in _TWICE_READ:
        return ""
    [sounds] = pinyin(char, style=Style.NORMAL, heteronym=True)
    return next((each for each in sounds if each != sounds[0]), "")


def _spelt(text: str, read: list[str], typed: list[str]) -> Spelt:
    key = "".join(map(_key, read, text))
    return Spelt(key, written_plainly("".join(map(_letters, typed))), written_plainly("".join([each[0] for each in map(_letters, typed)])))


@lru_cache(16_384)
def _key(sound: str, char: str) -> str:
    return f"{sound}{char}" if sound != char else char


@lru_cache(4_096)
def _letters(sound: str) -> str:
    """As one types it; a character without a reading stays."""
    return sound.translate(_DIGITS) if sound[0].isalpha() and sound[0].isascii() else sound


def _readings(text: str) -> Iterable[str]:
    place = 0
    while place < len(text):
        word = next((text[place : place + size] for size in range(_LONGEST, 0, -1) if text[place : place + size] in _WORDS), "")
        yield from _WORDS[word].split() if word else (_reading(text[place]),)
        place += len(word) or 1


@lru_cache(16_384)
def _reading(char: str) -> str:
    """With its tone as a digit, 5 for none; the character itself where it has no reading."""
    [[sound]] = pinyin(char, style=Style.TONE3)
    if sound == char:
        return char.lower()
    return sound if sound[-1].isdigit() else f"{sound}5"

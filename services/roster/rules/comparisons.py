"""Our register against the upper level's, row by row. Pure: rows in, differences out.

A person is recognised by his number, a unit by its codes and then by its name. No finding repeats a number.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.comparisons import Found
from services.roster.models.fields import Field, Kind
from services.roster.rules.imports.cells import MASKED, ROUNDED, folded, likeness
from services.roster.rules.leads import Outside, SheetLeads
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide

ROW_KEYS: Mapping[str, tuple[str, ...]] = {"quotas": ("kind", "funding"), "seats": ("level",)}
"""By what a row of a unit is recognised, beside the unit."""
FIGURE: Mapping[str, str] = {"quotas": "posts", "seats": "approved"}
OUT_OF_REACH = "所指单位不在本次比对的范围内，未比对"
NO_UNIT = "所指单位在本系统中没有，或有两个同名单位，未比对。请先处理单位的差异"
NO_NUMBER = "没有可用的公民身份号码，未比对"
NUMBER_HIDDEN = "公民身份号码隐去了中间几位，此行不能比对，也未记为差异。请换成号码完整的文件"
_FOLDED = frozenset({Kind.TEXT, Kind.NAME, Kind.TEXTS, Kind.UNIT})


@dataclass(frozen=True, slots=True)
class TheirRow:
    """A row of the file: JSON values by field, and the fields whose cells could not be read; `doubt`: what is said of its identity number."""

    number: int
    values: Mapping[str, Any]
    unread: frozenset[str] = frozenset()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class OurRow:
    """A row of the roster: values as text by field."""

    unit_id: UUID
    values: Mapping[str, str | None]
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class KnownHere:
    """Where a person of the roster belongs, and whether he holds a post that the registers share."""

    unit_id: UUID
    in_post: bool


@dataclass(frozen=True)
class OurUnit:
    """A unit by what it may be called. `inside`: within what this comparison covers."""

    unit_id: UUID
    name: str
    codes: tuple[str, ...]
    names: tuple[str, ...]
    inside: bool = True


class Units:
    """All units, found by their codes, then by their names."""

    def __init__(self, units: Iterable[OurUnit]) -> None:
        self.by_id = {unit.unit_id: unit for unit in units}
        self._codes = {folded(code): unit.unit_id for unit in self.by_id.values() for code in unit.codes}
        self._names: dict[str, set[UUID]] = {}
        for unit in self.by_id.values():
            for name in unit.names:
                self._names.setdefault(likeness(name), set()).add(unit.unit_id)

    def coded(self, *codes: object) -> UUID | None:
        """By the first code that is one of ours."""
        return next((self._codes[each] for code in codes if code and (each := folded(str(code))) in self._codes), None)

    def named(self, name: object) -> set[UUID]:
        """All of that name."""
        return self._names.get(likeness(str(name)), set()) if name else set()

    def find(self, called: object) -> UUID | None:
        """By code, else by a name that only one has."""
        found = self.coded(called)
        if found is None and len(names := self.named(called)) == 1:
            (found,) = names
        return found

    def also(self, called: Iterable[tuple[object, UUID]]) -> None:
        """Names that none of ours has, each for the unit by whose code it stands in the file."""
        new: dict[str, set[UUID]] = {}
        for name, unit_id in called:
            if name and not self.named(name):
                new.setdefault(likeness(str(name)), set()).add(unit_id)
        self._names |= new

    def shown(self, called: object) -> str | None:
        """What we call the unit that they call so; their own word where we know none."""
        found = self.find(called)
        return self.by_id[found].name if found else None if called is None else str(called)


@dataclass(frozen=True)
class Compared:
    """One field as it is compared. `words`: what each code is written as there."""

    of: Field
    leads: LeadingSide
    blank: bool
    words: Mapping[str, str] = field(default_factory=dict)

    def same(self, ours: str | None, theirs: str | None) -> bool:
        """Whether both say the same: months by month, codes by their word there, texts apart from spaces, widths and forms of brackets."""
        if ours is None or theirs is None or ours == theirs:
            return ours == theirs
        if self.of.kind is Kind.CODE:
            return self.words.get(ours, ours) == self.words.get(theirs, theirs)
        if self.of.kind is Kind.MONTH or len(theirs) == len("2021-03"):
            return ours[:7] == theirs[:7]
        return likeness(ours) == likeness(theirs) if self.of.kind in _FOLDED else ours == theirs


def text_of(value: object) -> str | None:
    """A value as it is kept: dates in ISO, flags as true and false, several texts in one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "、".join(str(each) for each in value) or None
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value) or None


@dataclass
class SheetComparison:
    """One sheet: what was found in it, and how many rows there were. `fields`: those that the file has columns for; `unread`: whose cell of which
    field could not be read; `alone`: rows of ours that were compared with none of theirs; `hidden`: of whose namesakes nobody can say whether they
    are there, since the number beside the name is masked, with the days of birth that stand there; `clear`: who was found by his number beside one.
    """

    kind: str
    leads: SheetLeads
    outside: Outside
    units: Units
    fields: Mapping[str, Compared]
    root_id: UUID | None = None
    found: list[Found] = field(default_factory=list)
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=lambda: Counter(there=0, here=0, matched=0))
    unread: set[tuple[str, str]] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    hidden: dict[str, set[str | None]] = field(default_factory=dict)
    clear: set[str] = field(default_factory=set)

    def veiled(self, name: str, born: str | None = None) -> bool:
        """Whether a masked row may be of this person."""
        days = self.hidden.get(folded(name), set())
        return bool(days) and (born is None or None in days or born in days)

    def judged(self, kind: str, name: str, whom: str, called: str) -> bool:
        """Whether a difference would have been found again, were it still there. A second row of one number may be the masked one."""
        if self.veiled(called) and (whom not in self.clear or kind == DifferenceKind.TWO_MATCHES):
            return False
        if name in {"", "id_number"}:  # rows were paired
            return True
        paired = kind != DifferenceKind.FIELD or whom not in self.alone
        return name in self.fields and paired and (whom, name) not in self.unread

    def difference(self, kind: DifferenceKind, *, unit_id: UUID | None, name: str, about: str = "", **more: Any) -> None:
        """Take one in."""
        side = {
            DifferenceKind.MISSING_HERE: self.leads.missing_here,
            DifferenceKind.MISSING_THERE: self.leads.missing_there,
            DifferenceKind.TWO_MATCHES: LeadingSide.ASK,
        }.get(kind, self.leads.of(more.get("field", "")))
        self.found.append(Found(**{"field": "", **more}, sheet=self.kind, kind=kind, unit_id=unit_id, name=name, about=about, leads=side))

    def compare(self, ours: OurRow, theirs: TheirRow, name: str, about: str, skip: frozenset[str] = frozenset()) -> None:
        """Every field of two rows that belong together."""
        self.counts["matched"] += 1
        for field_name, how in self.fields.items():
            if field_name in theirs.unread:
                self.unread.add((about, field_name))
            if field_name in skip or field_name in theirs.unread:
                continue
            mine, yours = ours.values.get(field_name), text_of(theirs.values.get(field_name))
            if how.of.kind is Kind.UNIT:
                yours = self.units.shown(yours)
            if how.same(mine, yours) or (yours is None and not how.blank):
                continue
            self.difference(
                DifferenceKind.FIELD,
                unit_id=ours.unit_id,
                name=name,
                about=about,
                person_id=ours.person_id,
                field=field_name,
                ours=mine,
                theirs=yours,
            )

    def muted(self, values: Mapping[str, Any]) -> bool:
        """A row that only one of the registers keeps."""
        return values.get("kind") in self.outside.kinds or values.get("category") in self.outside.categories

    def reach(self, theirs: TheirRow, called: object) -> UUID | None:
        """Our unit that a row speaks of, if it is known and covered; else that is said."""
        unit_id = self.units.find(called)
        if unit_id is None and called:
            self.problems.append((theirs.number, "unit", NO_UNIT))
        elif unit_id and not self.units.by_id[unit_id].inside:
            self.problems.append((theirs.number, "unit", OUT_OF_REACH))
            return None
        return unit_id


def spoken_of(sheet: SheetComparison, rows: Iterable[TheirRow]) -> set[UUID]:
    """Which of our units stand in these rows."""
    called, units = "name" if sheet.kind == "units" else "unit", sheet.units
    every = (units.coded(row.values.get("uscc"), row.values.get("unit_code")) or units.find(row.values.get(called)) for row in rows)
    return {unit_id for unit_id in every if unit_id}


def compare_units(sheet: SheetComparison, ours: Iterable[OurRow], theirs: Iterable[TheirRow]) -> None:
    """Units: by code, then by name. What the file calls a unit by its code, it calls it in its other columns and later sheets too."""
    mine = {row.unit_id: row for row in ours}
    sheet.counts["here"] = len(mine)
    seen: set[UUID] = set()
    pairs: list[tuple[UUID, TheirRow]] = []
    for row in theirs:
        sheet.counts["there"] += 1
        unit_id = _unit_of(sheet, row, seen)
        if unit_id in mine and unit_id not in seen:
            seen.add(unit_id)
            pairs.append((unit_id, row))
    sheet.units.also((row.values.get("name"), unit_id) for unit_id, row in pairs)
    for unit_id, row in pairs:
        sheet.compare(mine[unit_id], row, sheet.units.by_id[unit_id].name, str(unit_id))
    for unit_id in mine.keys() - seen:
        sheet.alone.add(str(unit_id))
        if not sheet.muted(mine[unit_id].values):
            sheet.difference(DifferenceKind.MISSING_THERE, unit_id=unit_id, name=sheet.units.by_id[unit_id].name, about=str(unit_id))


def _unit_of(sheet: SheetComparison, row: TheirRow, seen: set[UUID]) -> UUID | None:
    """The unit that a row is about; what speaks against it is told."""
    values, units = row.values, sheet.units
    name, code = str(values.get("name") or values.get("uscc") or ""), values.get("uscc") or values.get("unit_code")
    coded, named = units.coded(values.get("uscc"), values.get("unit_code")), units.named(values.get("name"))
    about = folded(str(code or name))
    unit_id = coded or (next(iter(named)) if len(named) == 1 else None)
    if unit_id is not None and not units.by_id[unit_id].inside:
        sheet.problems.append((row.number, "name", OUT_OF_REACH))
        return None
    if unit_id in seen or (coded and named and coded not in named) or (not coded and len(named) > 1):
        sheet.difference(DifferenceKind.TWO_MATCHES, unit_id=unit_id, name=name, about=about, theirs=name)
        if unit_id is None:
            sheet.alone |= {str(each) for each in named - seen}
            seen |= named
    elif unit_id is None and name and not sheet.muted(values):
        sheet.difference(DifferenceKind.MISSING_HERE, unit_id=sheet.root_id, name=name, about=about, theirs=name)
    return unit_id


def compare_rows(sheet: SheetComparison, ours: Iterable[OurRow], theirs: Iterable[TheirRow]) -> None:
    """Approved posts and leadership posts: rows of a unit. A row of none is no row."""
    keys, figure = ROW_KEYS[sheet.kind], FIGURE[sheet.kind]
    mine = {(row.unit_id, *(row.values[key] for key in keys)): row for row in ours}
    sheet.counts["here"] = len(mine)
    seen: set[tuple[object, ...]] = set()
    for row in theirs:
        sheet.counts["there"] += 1
        unit_id = sheet.reach(row, row.values.get("unit"))
        if unit_id is None or any(row.values.get(key) is None for key in keys):
            continue
        key = (unit_id, *(row.values[each] for each in keys))
        told: dict[str, Any] = {
            "unit_id": unit_id,
            "name": _row_name(sheet, unit_id, key[1:]),
            "about": "/".join(str(each) for each in key),
        }
        if key in seen:
            sheet.difference(DifferenceKind.TWO_MATCHES, **told, theirs=text_of(row.values.get(figure)))
        elif key in mine:
            sheet.compare(mine[key], row, told["name"], told["about"], frozenset({"unit", *keys}))
        elif row.values.get(figure) and not sheet.muted(row.values):
            sheet.difference(DifferenceKind.MISSING_HERE, **told, theirs=text_of(row.values[figure]))
        seen.add(key)
    _rows_alone(sheet, {key: here for key, here in mine.items() if key not in seen})


def _rows_alone(sheet: SheetComparison, mine: Mapping[tuple[Any, ...], OurRow]) -> None:
    """What stands here and nowhere there."""
    figure = FIGURE[sheet.kind]
    for key, here in mine.items():
        about = "/".join(str(each) for each in key)
        sheet.alone.add(about)
        if here.values.get(figure) not in {None, "0"} and not sheet.muted(here.values):
            name = _row_name(sheet, here.unit_id, key[1:])
            sheet.difference(DifferenceKind.MISSING_THERE, unit_id=here.unit_id, name=name, about=about, ours=here.values[figure])


def _row_name(sheet: SheetComparison, unit_id: UUID, codes: Iterable[object]) -> str:
    words = [sheet.fields[key].words.get(str(code), str(code)) for key, code in zip(ROW_KEYS[sheet.kind], codes, strict=True)]
    return f"{sheet.units.by_id[unit_id].name} {'、'.join(words)}"


class PersonsComparison:
    """Persons: theirs are held by their numbers, ours come one by one."""

    def __init__(self, sheet: SheetComparison) -> None:
        self.sheet = sheet
        self._left: dict[str, TheirRow] = {}
        self._known: dict[UUID, str] = {}
        self._only_here: list[OurRow] = []

    def theirs(self, row: TheirRow, person_id: UUID | None) -> None:
        """One row of the file, and whom the roster knows by its number."""
        self.sheet.counts["there"] += 1
        number = row.values.get("id_number")
        if row.doubt == ROUNDED and person_id is None:
            self.sheet.problems.append((row.number, "id_number", ROUNDED))
        if row.doubt == MASKED:
            self.sheet.problems.append((row.number, "id_number", NUMBER_HIDDEN))
            self.sheet.hidden.setdefault(folded(row.values.get("name")), set()).add(text_of(row.values.get("birth_on")))
        elif number is None:
            self.sheet.problems.append((row.number, "id_number", NO_NUMBER))
        elif self._left.setdefault(number, row) is not row:
            told = self.sheet.units.shown(row.values.get("unit"))
            self._told(DifferenceKind.TWO_MATCHES, row, person_id, theirs=told)
        elif person_id is not None:
            self._known[person_id] = number

    def ours(self, ours: OurRow) -> None:
        """One person of ours against the row with his number."""
        self.sheet.counts["here"] += 1
        number = self._known.pop(ours.person_id, None) if ours.person_id else None
        if number is None:
            self._only_here.append(ours)
        else:
            self._pair(ours, self._left.pop(number))

    @property
    def known_left(self) -> list[UUID]:
        """Whom the roster knows, though not in post where this comparison looked."""
        return list(self._known)

    def close(self, known: Mapping[UUID, KnownHere]) -> None:
        """Who is left on either side. `known`: about those of `known_left`."""
        persons = {number: person_id for person_id, number in self._known.items()}
        self._suspects()
        for number, row in self._left.items():
            person_id = persons.get(number)
            here = known[person_id] if person_id else None
            unit_id = self.sheet.units.find(row.values.get("unit")) or (here and here.unit_id) or self.sheet.root_id
            if self.sheet.muted(row.values) or (unit_id is not None and not self.sheet.units.by_id[unit_id].inside):
                continue
            told: dict[str, Any] = {"unit_id": unit_id, "theirs": self.sheet.units.shown(row.values.get("unit"))}
            if here is not None and here.in_post:
                self.sheet.alone.add(str(person_id))
                elsewhere = self.sheet.units.by_id[here.unit_id].name
                self._told(DifferenceKind.UNIT, row, person_id, **told, field="unit", ours=elsewhere)
            else:
                self._told(DifferenceKind.MISSING_HERE, row, person_id, **told)
        for ours in self._only_here:
            self.sheet.alone.add(str(ours.person_id))
            veiled = self.sheet.veiled(ours.values.get("name") or "", ours.values.get("birth_on"))
            if not veiled and not self.sheet.muted(ours.values):
                self._told_of(DifferenceKind.MISSING_THERE, ours, ours=ours.values.get("unit"))

    def _suspects(self) -> None:
        """Name, birth and unit agree and only the number does not: one difference, not two people missing."""
        here, there = Counter(map(self._likeness, self._only_here)), Counter(map(self._likeness, self._left.values()))
        numbers = {self._likeness(row): number for number, row in self._left.items()}
        waiting, self._only_here = self._only_here, []
        for ours in waiting:
            likeness = self._likeness(ours)
            if likeness is None or not here[likeness] == there[likeness] == 1:
                self._only_here.append(ours)
                continue
            number = numbers[likeness]
            self._told_of(DifferenceKind.FIELD, ours, field="id_number", theirs=number)
            self._pair(ours, self._left.pop(number))

    def _likeness(self, row: OurRow | TheirRow) -> tuple[str, str, UUID] | None:
        unit_id = row.unit_id if isinstance(row, OurRow) else self.sheet.units.find(row.values.get("unit"))
        name, born = row.values.get("name"), row.values.get("birth_on")
        return (folded(name), str(born), unit_id) if name and born and unit_id else None

    def _pair(self, ours: OurRow, row: TheirRow) -> None:
        called = row.values.get("unit")
        if called and self.sheet.units.find(called) != ours.unit_id:
            told = self.sheet.units.shown(called)
            self._told_of(DifferenceKind.UNIT, ours, field="unit", ours=ours.values.get("unit"), theirs=told)
        name = ours.values.get("name") or ""
        if self.sheet.hidden:
            self.sheet.clear.add(str(ours.person_id))
        self.sheet.compare(ours, row, name, str(ours.person_id), frozenset({"id_number", "unit"}))

    def _told(self, kind: DifferenceKind, row: TheirRow, person_id: UUID | None, **more: Any) -> None:
        unit_id = more.pop("unit_id", None) or self.sheet.units.find(row.values.get("unit")) or self.sheet.root_id
        name, number = str(row.values.get("name") or ""), None if person_id else str(row.values["id_number"])
        self.sheet.difference(kind, unit_id=unit_id, name=name, person_id=person_id, number=number, **more)

    def _told_of(self, kind: DifferenceKind, here: OurRow, **more: Any) -> None:
        name = here.values.get("name") or ""
        self.sheet.difference(kind, unit_id=here.unit_id, name=name, person_id=here.person_id, **more)


MOVES: Mapping[DifferenceState, tuple[DifferenceState, ...]] = {
    DifferenceState.TO_VERIFY: (DifferenceState.IN_REVIEW, DifferenceState.RECTIFIED, DifferenceState.EXPLAINED),
    DifferenceState.ANSWERED: (
        DifferenceState.TO_VERIFY,
        DifferenceState.IN_REVIEW,
        DifferenceState.RECTIFIED,
        DifferenceState.EXPLAINED,
    ),
    DifferenceState.IN_REVIEW: (DifferenceState.TO_VERIFY, DifferenceState.RECTIFIED, DifferenceState.EXPLAINED),
    DifferenceState.RECTIFIED: (DifferenceState.TO_VERIFY, DifferenceState.CLOSED),
    DifferenceState.EXPLAINED: (DifferenceState.TO_VERIFY, DifferenceState.CLOSED),
    DifferenceState.CLOSED: (),
}
"""Where the office may move a difference; back to 待核实 it goes to the unit. A comparison closes and reopens by itself."""


def may_be_answered(state: DifferenceState) -> bool:
    """A unit answers what waits for it, or mends its answer."""
    return state in {DifferenceState.TO_VERIFY, DifferenceState.ANSWERED}


def found_again(state: DifferenceState, *, explained: bool, same_facts: bool) -> DifferenceState | None:
    """Where a difference stands that the next comparison found again; none: it stays where it is."""
    if same_facts and (explained or state in {DifferenceState.TO_VERIFY, DifferenceState.ANSWERED, DifferenceState.IN_REVIEW}):
        return None
    return DifferenceState.TO_VERIFY

"""Fills an empty system: `python -m deploy.demo.city demo` with the invented city and its users, `… none` with the first administrators only.

The city goes in through the same door as anybody's data. Repeating it changes nothing.
"""

import asyncio
import os
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from deploy.city import files, loading
from deploy.city.catalogue import EDUCATION
from deploy.city.city import SEED, city_of
from deploy.city.invented import Inventor
from deploy.city.plan import Unit
from deploy.demo.plan import city as story
from deploy.demo.plan import size
from deploy.doors import Refused, doors_of
from deploy.identity import Account, cipher_of, first_passwords, load_accounts, seed_administrators
from deploy.local import whole_file
from deploy.local.place import Place, WrongPlace
from deploy.quiet import StillBusy, pulse_of
from shared import db
from shared.clock import Clock, business_day
from shared.glossary import Role

OFFICER, SUPERVISOR, DIRECTOR, SEALER = "officer", "supervisor", "director", "sealer"
PATIENCE = 300.0
OFFICE_STAFF = {
    OFFICER: ("周望", Role.BUSINESS_OFFICER),
    "officer2": ("沈若清", Role.BUSINESS_OFFICER),
    SUPERVISOR: ("陆景行", Role.SUPERVISION_OFFICER),
    DIRECTOR: ("顾思远", Role.OFFICE_DIRECTOR),
    SEALER: ("钟心语", Role.SEAL_OPERATOR),
}

UNIT_STAFF = {"clerk": (Role.UNIT_CLERK,), "head": (Role.UNIT_HEAD,), "deputy": (Role.UNIT_CLERK, Role.UNIT_HEAD)}


def staff_of(units: list[Unit]) -> list[Account]:
    """The office's people, and for every town and school of these a clerk, a head, and a deputy who may do either's work: `town1.clerk`, `school1.head`, ….

    Sex and number have no say in it: names are invented anew, with a seed of their own.
    """
    inventor = Inventor(SEED + 1)
    accounts = [Account(name=name, real_name=real_name, roles=(role,)) for name, (real_name, role) in OFFICE_STAFF.items()]
    for login, unit in logins(units).items():
        for part, roles in UNIT_STAFF.items():
            accounts.append(Account(name=f"{login}.{part}", real_name=inventor.name("F"), roles=roles, unit_codes=(unit.uscc,)))
    return accounts


def logins(units: list[Unit]) -> dict[str, Unit]:
    """The towns and schools under the short names of their accounts."""
    towns = [unit for unit in units if unit.spec.category == "镇"]
    schools = [unit for unit in units if unit.spec.category == "学校" and unit.spec.parent == EDUCATION]
    return {f"{word}{number}": unit for word, kind in (("town", towns), ("school", schools)) for number, unit in enumerate(kind, start=1)}


async def fill(place: Place, kind: str) -> str:
    """Bring the administrators in, and for `demo` the city; answers with a sentence about it."""
    async with db.connect(place.database_url("identity"), "identity", size=2) as identity:
        clock = Clock(None if place.environment == "production" else place.clock_file)
        if kind == "none":
            return f"空系统已就绪。{await first_passwords(identity, cipher_of(place), clock.now())}"
        place.ensure_invented()
        await seed_administrators(identity, clock.now())
        staff = staff_of(story())
        await load_accounts(identity, [account for account in staff if not account.unit_codes], clock.now())
        async with doors_of(place) as doors:
            with TemporaryDirectory() as folder:
                _invent(Path(folder), *size(place.environment), day_of(place, business_day(clock.now())))
                taken = await loading.load(doors, OFFICER, files.books(Path(folder)), _tell)
        await load_accounts(identity, staff, clock.now())
        async with pulse_of(place) as pulse:
            await pulse.drained(PATIENCE)
    said = f"单位 {taken.units} 个，编制数 {taken.quotas} 行，人员 {taken.persons} 人，其中超编 {taken.over_quota} 人，已出编 {taken.history} 人次"
    return f"演示城市“望汐市”（演示数据，虚构）：{said}，拒绝 {taken.refused} 行"


def day_of(place: Place, today: date) -> date:
    """The day for which the city of a stack is invented: the first on which that was begun. Another day's city has other people."""
    kept = place.home / "city-day"
    if not kept.exists():
        place.home.mkdir(parents=True, exist_ok=True)
        whole_file.write(kept, f"{today}\n")
    return date.fromisoformat(kept.read_text(encoding="utf-8").strip())


def _invent(folder: Path, units: int, persons: int, today: date) -> None:
    began = time.monotonic()
    files.write(city_of(units, persons, today=today), folder)
    _tell(f"  演示城市：单位 {units} 个，人员 {persons} 人，生成用时 {time.monotonic() - began:.1f} 秒")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(kind: str) -> NoReturn:
    """Fill the stack the environment names and say what was done; ends by `os._exit`, because Temporal's core may crash at interpreter exit."""
    began = time.monotonic()
    code = 0
    try:
        said = asyncio.run(fill(Place.from_environment(), kind))
        sys.stdout.write(f"{said}（{time.monotonic() - began:.1f} 秒）\n")
    except (Refused, StillBusy, WrongPlace, OSError) as failed:
        sys.stderr.write(f"{failed}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])

"""A small county to ask about: made by the roster's commands, told to the other services by its own events."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from deploy.local.place import Place, Service
from services.approval.consumers import handlers as approval
from services.identity.commands.rights import register_user
from services.identity.consumers import handlers as identity
from services.identity.models.accounts import RegisterUser
from services.monitoring.consumers import handlers as monitoring
from services.monitoring.models.facts import Surroundings
from services.reporting.consumers import handlers as reporting
from shared import db
from shared.consumer import Handlers
from shared.crypto import FieldCipher, RingFile
from shared.law.notices import load_calendar
from tests.identity.doors import PASSWORD, kept_hash
from tests.roster import given

FOLDS: dict[Service, Callable[[], Handlers]] = {
    "identity": identity,
    "approval": approval,
    "monitoring": lambda: monitoring(Surroundings(load_calendar, lambda: timedelta(0), lambda: given.NOW)),
    "reporting": lambda: reporting(1),
}
WORDS: dict[str, list[Any]] = {
    "kind": ["SY", "XZ"],
    "funding": ["full"],
    "category": ["SY-1"],
    "entry_reason": ["open_recruitment", "transfer"],
    "exit_reason": ["resignation"],
    "document_no": [given.DOCUMENT],
    "started_on": ["2026-09-02"],
    "valid_from": ["2026-09-02"],
    "ended_on": ["2026-09-18"],
    "effective_on": ["2026-09-18"],
}
"""Words that no answer teaches at first."""


async def made(stack: Place, service: Service, database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Mapping[str, list[Any]]:
    """Units, quotas, people and too many of them. Answers what is there to be asked for."""
    monkeypatch.setattr(given, "CIPHER", FieldCipher(RingFile(stack.home / "secrets" / "field.keys")))
    known = {name: list(values) for name, values in WORDS.items()}
    async with db.connect(database("roster"), "roster") as roster:
        root = await given.row(roster, 3)
        town = await given.row(roster, 1, root.unit_id)
        placed = [await given.in_post(roster, town), await given.in_post(roster, root), await given.over_quota(roster, town)]
        known |= {"unit_id": [str(root.unit_id), str(town.unit_id)]}
        known |= {"person_id": [str(person) for person, _ in placed], "placement_id": [str(placement) for _, placement in placed]}
        events = await given.published(roster)
    if service in FOLDS:
        folds = FOLDS[service]()
        async with db.connect(database(service), service) as its_own, its_own.transaction() as conn:
            for event in events:
                if type(event) in folds:
                    await folds[type(event)](conn, event)
    return known | (await _accounts(database("identity")) if service == "identity" else {})


async def _accounts(address: str) -> dict[str, list[Any]]:
    """Whoever asks has an account, a colleague and a password."""
    async with db.connect(address, "identity") as accounts:
        for name in ("fuzz", "colleague"):
            await register_user(accounts, given.by(), RegisterUser(name=name, real_name="甲"))
        await accounts.pool.execute("INSERT INTO credentials (user_id, password_hash, set_at) SELECT id, $1, now() FROM users", kept_hash())
    names = ["fuzz", "colleague"]
    return {"name": names, "user": names, "absent": names, "password": [PASSWORD], "new_password": ["Zaunkönig_88_Tannen"]}


def applications(known: Mapping[str, list[Any]]) -> Mapping[str, list[dict[str, Any]]]:
    """Bodies that approval takes, by operation. Each asks the roster: an invented one is refused before."""
    about = {"unit_id": known["unit_id"][1], "kind": "SY", "funding": "full", "title": "申请", "justification": "工作需要"}
    use = about | {"posts": 1}
    exit_ = about | {"person_id": known["person_id"][0], "reason_code": "resignation", "effective_on": "2026-09-18"}
    new = [use | {"type": "post_use_application"}, exit_ | {"type": "exit_application"}]
    again = [each | {"revision": 1} for each in (use, exit_)]
    return {"POST /application-previews": new, "POST /applications": new, "POST /applications/{application_id}/resubmission": again}

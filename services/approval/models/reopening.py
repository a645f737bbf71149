"""What the tables keep of a case whose workflow is lost."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.approval.models.facts import Pinned
from shared.glossary import ApplicationState, EntryKind, Role
from shared.law.deadline import Deadline
from workflows.approval_messages import Numbered


@dataclass(frozen=True)
class KeptLine:
    """One line of the timeline, as far as the case goes on from it."""

    sequence: int
    kind: EntryKind
    at: datetime
    actor: str
    role: Role
    on_behalf_of: str | None
    update_id: str
    text: str
    state_after: ApplicationState
    revision_after: int
    step_after: str | None
    holder_after: Role | None


@dataclass(frozen=True)
class KeptDocument:
    """The notice of the case, once it has its number."""

    numbered: Numbered
    numbered_on: date
    sha256: str | None


@dataclass(frozen=True)
class KeptCase:
    """A case and its lines, in order. `authors`: who wrote a revision of it. `lifted`: freeze orders of the unit that ended. `revokes`: the filed document that it revokes.
    `submitted_at`: of an application. `untaken`: the roster has refused to take back what it holds.
    """

    pinned: Pinned
    applicant: str
    concerned: tuple[str, ...]
    revision: int
    blocked_by: tuple[UUID, ...]
    lifted: tuple[UUID, ...]
    deadline: Deadline | None
    document: KeptDocument | None
    lines: tuple[KeptLine, ...]
    submitted_at: datetime | None = None
    authors: tuple[str, ...] = ()
    revokes: UUID | None = None
    untaken: bool = False

"""Where a case goes on when its workflow is lost: all of it follows from the timeline (docs/decisions/0090)."""

from collections.abc import Sequence
from datetime import date, datetime

from services.approval.models.reopening import KeptCase, KeptDocument, KeptLine
from shared.clock import business_day
from shared.glossary import EntryKind
from workflows.approval_messages import Answer, Carried, Recent
from workflows.approval_steps import BLOCKABLE, Case, Phase
from workflows.roster import Done, Evidence

ANSWERS_KEPT = 50
_AFTER = {
    EntryKind.RESUBMITTED: Phase.SUBMITTED,
    EntryKind.RECEIVED: Phase.REVIEW,
    EntryKind.APPROVED: Phase.REVIEW,
    EntryKind.SENT_BACK: Phase.RETURNED,
    EntryKind.REFUSED: Phase.RETURNED,
    EntryKind.CLAIMED: Phase.CLAIMED,
    EntryKind.EFFECTED: Phase.DOCUMENT,
    EntryKind.REVOKED: Phase.DOCUMENT,
    EntryKind.RENDERED: Phase.RELEASE,
    EntryKind.RELEASED: Phase.SEAL,
    EntryKind.SEALED: Phase.FILING,
    EntryKind.RECORDED: Phase.FILED,
    EntryKind.WITHDREW: Phase.WITHDRAWN,
}
_BY_PEOPLE = frozenset(
    {EntryKind.APPROVED, EntryKind.SENT_BACK, EntryKind.RESUBMITTED, EntryKind.WITHDREW, EntryKind.URGED, EntryKind.RELEASED}
)
_MAY_HOLD = frozenset({Phase.REVIEW, Phase.RETURNED, Phase.CLAIM, Phase.CLAIMED, Phase.EFFECT, Phase.WITHDRAWN})
_WRITTEN = frozenset({Phase.RELEASE, Phase.SEAL, Phase.FILING})


def carried(kept: KeptCase) -> Carried:
    """The state for the next run, as the lost one would have handed it over."""
    turn = next((line for line in reversed(kept.lines) if line.kind in _AFTER), None)
    phase = _phase(kept, turn)
    case = _case(kept, phase, turn)
    document = kept.document
    return Carried(
        case=case,
        content=kept.pinned.content,
        deadline=kept.deadline,
        armed_at=turn.at if turn else None,
        reminded=_reminded(kept, case, turn),
        held=_held(kept, phase),
        decided_on=_decided_on(document, turn),
        done=Done() if kept.revokes else None,
        document=document.numbered if document else None,
        untaken=kept.untaken or None,
        evidence=_evidence(kept.lines),
        recorded=kept.lines[-1].sequence if kept.lines else 0,
        answers=tuple(_answer(line) for line in kept.lines if line.kind in _BY_PEOPLE)[-ANSWERS_KEPT:],
    )


def _phase(kept: KeptCase, turn: KeptLine | None) -> Phase:
    """A number is given once the effect was asked for, unless it is that of an earlier approval; the last approval leads to the claim."""
    if turn is None:
        return Phase.SUBMITTED
    if turn.kind is EntryKind.CLAIMED and kept.document and kept.document.numbered_on >= business_day(turn.at):
        return Phase.EFFECT
    return Phase.CLAIM if turn.kind is EntryKind.APPROVED and turn.step_after is None else _AFTER[turn.kind]


def _decided_on(document: KeptDocument | None, turn: KeptLine | None) -> date | None:
    """The day of the claim; of what follows it, the number says so."""
    if document and turn and turn.kind is not EntryKind.CLAIMED:
        return document.numbered_on
    return business_day(turn.at) if turn else None


def _case(kept: KeptCase, phase: Phase, turn: KeptLine | None) -> Case:
    """An order that holds it still is not lifted yet, even if its end is known: the case hears of that as of any end."""
    steps = [step.code for step in kept.pinned.chain]
    case = Case(
        application_type=kept.pinned.type,
        chain=kept.pinned.chain,
        applicant=kept.applicant,
        concerned=kept.concerned,
        authors=kept.authors,
        phase=phase,
        revision=kept.revision,
        position=steps.index(turn.step_after) if turn and turn.step_after in steps else 0,
        decided_by=tuple(_deciders(kept.lines)),
        blocked_by=kept.blocked_by if phase in BLOCKABLE else (),
        lifted=tuple(order for order in kept.lifted if order not in kept.blocked_by),
        excepted=kept.pinned.content.excepted,
        urged_on=max((business_day(line.at) for line in _since(kept, turn) if line.kind is EntryKind.URGED), default=None),
    )
    if kept.document is None or phase not in _WRITTEN:
        return case
    return case.model_copy(update={"document_id": kept.document.numbered.document_id, "sha256": kept.document.sha256})


def _deciders(lines: Sequence[KeptLine]) -> list[str]:
    """In whose names the steps of this revision were decided; a new revision begins with nobody."""
    names: list[str] = []
    for line in lines:
        if line.kind in {EntryKind.RECEIVED, EntryKind.RESUBMITTED}:
            names = []
        elif line.kind is EntryKind.APPROVED:
            names += [line.actor, *([line.on_behalf_of] if line.on_behalf_of else [])]
    return names


def _since(kept: KeptCase, turn: KeptLine | None) -> list[KeptLine]:
    return [line for line in kept.lines if turn is not None and line.sequence > turn.sequence]


def _reminded(kept: KeptCase, case: Case, turn: KeptLine | None) -> tuple[int, ...]:
    """Reminders go out in their order: so many lines, so many of the first."""
    if case.step is None or turn is None:
        return ()
    sent = sum(line.kind is EntryKind.REMINDED for line in _since(kept, turn))
    return tuple([offset for offset in sorted(case.step.reminders) if _was_ahead(kept, offset, turn.at)][:sent])


def _was_ahead(kept: KeptCase, offset: int, armed_at: datetime) -> bool:
    at = kept.deadline.rung_at(offset) if kept.deadline else None
    return at is None or at > armed_at


def _may_hold(kept: KeptCase, phase: Phase) -> bool:
    """Whether the roster may hold something that nobody has given back: what is returned gives back at once, whatever follows."""
    turns = [line.kind for line in kept.lines if line.kind in _AFTER]
    returned = phase is Phase.WITHDRAWN and any(_AFTER[kind] is Phase.RETURNED for kind in turns[-2:])
    return phase in _MAY_HOLD and not returned


def _held(kept: KeptCase, phase: Phase) -> int | None:
    """The revision that may hold something: of one that followed another without a return, the one before it."""
    turns = [line.kind for line in kept.lines if line.kind in _AFTER]
    if phase is Phase.SUBMITTED and turns and (len(turns) == 1 or _AFTER[turns[-2]] is not Phase.RETURNED):
        return kept.revision - 1
    return kept.revision if _may_hold(kept, phase) else None


def _evidence(lines: Sequence[KeptLine]) -> Evidence | None:
    last = next((line for line in reversed(lines) if line.kind in _BY_PEOPLE), None)
    return Evidence(actor=last.actor, role=last.role, update_id=last.update_id, reason=last.text) if last else None


def _answer(line: KeptLine) -> Recent:
    given = Answer(
        sequence=line.sequence, state=line.state_after, revision=line.revision_after, step=line.step_after, holder=line.holder_after
    )
    return Recent(update_id=line.update_id, answer=given)

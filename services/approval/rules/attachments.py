"""Which files may lie beside an application, and until when."""

from services.approval.models.refusals import AttachmentTooLarge, AttachmentUnfit, NotTheTimeForFiles, TooManyAttachments
from shared.brought import form_of, is_of
from shared.glossary import ApplicationState

MOST, LARGEST = 20, 10 * 1024 * 1024
_OPEN = {ApplicationState.IN_REVIEW, ApplicationState.PAUSED, ApplicationState.RETURNED}


def media_type_of(name: str, content: bytes) -> str:
    """Raises AttachmentUnfit, AttachmentTooLarge."""
    form = form_of(name)
    if form is None or not is_of(form, content):
        raise AttachmentUnfit
    if len(content) > LARGEST:
        raise AttachmentTooLarge(most=LARGEST // 2**20)
    return form.media_type


def submission_of(state: ApplicationState, revision: int) -> int:
    """Beside which submission a file lies: what is brought to a returned application is of the next."""
    return revision + 1 if state is ApplicationState.RETURNED else revision


def ensure_may_bring(state: ApplicationState, there: int) -> None:
    """Raises NotTheTimeForFiles once it is decided, TooManyAttachments."""
    if state not in _OPEN:
        raise NotTheTimeForFiles
    if there >= MOST:
        raise TooManyAttachments(most=MOST)

"""What evidence may be handed in as: files of a few known forms, not too large, not too many."""

from services.monitoring.models.refusals import EvidenceFileMislabelled, EvidenceFileTooLarge, EvidenceFormUnknown
from shared.brought import form_of, is_of

MOST_BYTES = 10 * 2**20
MOST_FILES = 50
"""In one round of an issue."""


def media_type_of(name: str, content: bytes) -> str:
    """What the file is. Raises EvidenceFileTooLarge, EvidenceFormUnknown, EvidenceFileMislabelled."""
    if len(content) > MOST_BYTES:
        raise EvidenceFileTooLarge
    form = form_of(name)
    if form is None:
        raise EvidenceFormUnknown
    if not is_of(form, content):
        raise EvidenceFileMislabelled
    return form.media_type

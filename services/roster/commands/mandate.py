"""What a write must carry: a document where the law asks for one, and an effective date that has come."""

from datetime import date

from services.roster.models.refusals import DocumentMissing, EffectiveInFuture
from shared.clock import business_day
from shared.db import By


def document_of(by: By) -> str:
    """The document number this write must have (DocumentMissing)."""
    if not (by.document_no or "").strip():
        raise DocumentMissing
    return str(by.document_no)


def today_of(by: By, *effective: date | None) -> date:
    """The business day, if no effective date is later (EffectiveInFuture): a later effect is the workflow's, which calls on the day."""
    today = business_day(by.as_of)
    for day in effective:
        if day is not None and day > today:
            raise EffectiveInFuture(day=day)
    return today

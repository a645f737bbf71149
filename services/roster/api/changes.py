"""信息变更: registering what a case shall change, and what its deciders see of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.roster.api.door import InDoor, fields
from services.roster.api.persons import KeyItemsBody, RevealBody
from services.roster.commands import changes as commands
from services.roster.commands.persons import record_reveal
from services.roster.models.changes import RegisterChange
from services.roster.models.persons import RevealPerson
from services.roster.models.requests import KeyItemsOfPost
from services.roster.queries import changes as queries
from services.roster.queries import persons as person_queries
from shared.auth import Permit, Who
from shared.http import IdempotencyKey

router = APIRouter()


class KeyChangeBody(KeyItemsBody, KeyItemsOfPost):
    """What is to be changed, on which proof (`document_no`)."""


class RevealedChange(BaseModel):
    """By field."""

    values: dict[str, str | None]


class OpenChanges(BaseModel):
    """All that are registered for one person and not decided."""

    items: list[queries.PendingView]


class ChangeId(BaseModel):
    """What the application carries."""

    change_id: UUID


@router.post("/persons/{person_id}/key-changes", status_code=201)
async def register_change(
    person_id: UUID, body: KeyChangeBody, who: Annotated[Who, Depends(Permit("persons.update"))], key: IdempotencyKey, door: InDoor
) -> ChangeId:
    """Register a change of key items (★). Nothing changes until an application that carries it is decided."""
    async with door.database.reading() as conn:
        await person_queries.ensure_visible(conn, person_id, who)
    what = RegisterChange.model_validate({"person_id": person_id} | fields(body))
    return ChangeId(change_id=await commands.register_change(door.database, door.cipher, door.by(who, key, body), what))


@router.get("/persons/{person_id}/key-changes")
async def open_changes(person_id: UUID, who: Annotated[Who, Depends(Permit("persons.read"))], door: InDoor) -> OpenChanges:
    """What is registered and waits for its application or its decision, sensitive values masked."""
    async with door.database.reading() as conn:
        await person_queries.ensure_visible(conn, person_id, who)
        return OpenChanges(items=await queries.open_changes(conn, door.cipher, person_id, who))


@router.post("/changes/{change_id}/reveal")
async def reveal(
    change_id: UUID, body: RevealBody, who: Annotated[Who, Depends(Permit("persons.reveal"))], key: IdempotencyKey, door: InDoor
) -> RevealedChange:
    """The sensitive values in full, to be compared with the proof; who asked and why is written down first."""
    async with door.database.reading() as conn:
        seen = await queries.pending_view(conn, door.cipher, change_id, who)
    await record_reveal(door.database, door.by_each_time(who, key, body), RevealPerson(person_id=seen.person_id, reason=body.reason))
    async with door.database.reading() as conn:
        return RevealedChange(values=await queries.pending_in_full(conn, door.cipher, change_id))


@router.get("/changes/{change_id}")
async def change(change_id: UUID, who: Annotated[Who, Depends(Permit("persons.read"))], door: InDoor) -> queries.PendingView:
    """What is to be changed, field by field, sensitive values masked."""
    async with door.database.reading() as conn:
        return await queries.pending_view(conn, door.cipher, change_id, who)

"""What every route of monitoring needs from a request: who asks, when, and the parts behind the door."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from temporalio.client import Client

from services.monitoring.api.turns import Turns
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.refusals import CaseOver
from shared.auth import PERMISSIONS, Who
from shared.clock import Clock
from shared.crypto import FieldCipher
from shared.db import By, Database
from shared.errors import NotFound, Unavailable
from shared.http import IdempotencyKey
from shared.temporal import decide, update_id
from workflows.roster import Evidence

After = Annotated[UUID | None, Query(description="Cursor: `next` of the page before.")]


class Body(BaseModel):
    """A request body; what is not asked for is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field("", max_length=1000)
    document_no: str | None = Field(None, max_length=200)


async def decide_case(client: Client, workflow_id: str, update: str, order: BaseModel | None, update_id: str, *, over: bool) -> None:
    """Send a decision to its case. A case that is over refuses; one whose start is still on its way is waited for, two seconds at most."""
    for _ in range(1 if over else 20):
        try:
            await decide(client, workflow_id, update, order, update_id)
        except NotFound:
            await asyncio.sleep(0.1)
        else:
            return
    if over:
        raise CaseOver(case=workflow_id)
    raise Unavailable("the case is not started yet")


class Asked:
    """The request's surroundings; a dependency of every route."""

    def __init__(self, request: Request) -> None:
        self.database: Database = request.app.state.database
        self.temporal: Client = request.app.state.temporal
        self.clock: Clock = request.app.state.clock
        self.cipher: FieldCipher = request.app.state.cipher
        self.surroundings: Surroundings = request.app.state.surroundings
        self.turns: Turns = request.app.state.turns
        self.folder: Path = request.app.state.folder

    def by(self, who: Who, key: IdempotencyKey, body: Body) -> By:
        """On whose behalf a command runs."""
        return By(actor=who.name, as_of=self.clock.now(), key=f"{who.name}:{key}", reason=body.reason, document_no=body.document_no)


def evidence(who: Who, permission: str, key: IdempotencyKey, body: Body) -> Evidence:
    """Who decides in which of his roles, for a workflow."""
    role = min(who.roles & PERMISSIONS[permission])
    return Evidence(actor=who.name, role=role, update_id=update_id(who.name, key), reason=body.reason, document_no=body.document_no)


Asking = Annotated[Asked, Depends(Asked)]

"""The floor of `read`: FastAPI, one asyncpg row by its key, nothing else. Served by uvicorn with the options of our services."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["ROSTER_DATABASE_URL"], min_size=1, max_size=10) as pool:
        app.state.pool = pool
        yield


def create_app() -> FastAPI:
    """One route that says hello to one unit."""
    app = FastAPI(lifespan=_lifespan)
    app.add_api_route("/hello/{unit_id}", _hello)
    return app


async def _hello(request: Request, unit_id: UUID) -> dict[str, str]:
    row = await request.app.state.pool.fetchrow("SELECT name FROM units WHERE id = $1", unit_id)
    return {"hello": row["name"]}

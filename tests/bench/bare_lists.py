"""The floor of `lists`: FastAPI, one indexed query for a page with the columns the list shows, and its rows as JSON; nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic_core import to_json

from services.roster.models.persons import RECORD, SENSITIVE

_NOW = "({0}.during @> 'infinity'::date) IS TRUE AND ({0}.recorded @> 'infinity'::timestamptz) IS TRUE".format
"""In words that let the planner walk the index of the order (upper_inf would have it sort the county)."""
_UNIT = (
    "SELECT units.id, was.parent_id, was.path, was.name, was.short_name, units.code, was.uscc, was.category, was.nature, was.public_welfare,"
    " was.unit_funding, was.sector, was.rank, was.system, was.withheld, lower(units.valid) AS valid_from, upper(units.valid) AS closed_on, version"
    f" FROM units JOIN unit_records AS was ON was.unit_id = units.id AND {_NOW('was')}"
)
_SHOWN = ", ".join(f"encode(person.{name}, 'hex') AS {name}" if name in SENSITIVE else f"person.{name}" for name in RECORD)
_PERSON = (
    f"SELECT person.person_id, {_SHOWN}, post.placement_id, post.unit_id, post.kind, post.funding, lower(post.during) AS started_on,"
    " post.entry_reason, post.exit_reason, post.seat_level, post.authorisation_no, post.authorised_on, post.over_quota_cause, post.transfer_id,"
    " post.document_no, post.internal_unit, post.duty_status, post.entry_source, post.entered_on, post.entry_document_no, post.off_post_kind,"
    " post.employment_form, post.dispatch_company, post.contract_until, was.name AS unit, units.code AS unit_code"
    f" FROM person_records AS person JOIN placements AS post ON post.person_id = person.person_id AND {_NOW('post')}"
    f" JOIN units ON units.id = post.unit_id JOIN unit_records AS was ON was.unit_id = units.id AND {_NOW('was')} WHERE {_NOW('person')}"
)
_POST = (
    "SELECT units.id, units.code, was.name, quotas.kind, quotas.funding, quotas.posts, (SELECT count(*) FROM placements AS held"
    f" WHERE held.unit_id = units.id AND held.kind = quotas.kind AND held.funding = quotas.funding AND {_NOW('held')}) AS headcount"
    f" FROM units JOIN unit_records AS was ON was.unit_id = units.id AND {_NOW('was')} JOIN quotas ON quotas.unit_id = units.id AND {_NOW('quotas')}"
)
QUERIES = {
    "units": f"{_UNIT} ORDER BY units.code LIMIT 50",
    "units-by-name": f"{_UNIT} JOIN unit_search ON unit_search.unit_id = units.id WHERE grams @> ARRAY['教育'] ORDER BY units.code LIMIT 50",
    "people": f"{_PERSON} ORDER BY person.name_key, person.person_id LIMIT 50",
    "people-by-age": f"{_PERSON} ORDER BY person.birth_on, person.person_id LIMIT 50",
    "people-of-a-unit": f"{_PERSON} AND post.unit_id = '{{unit}}' ORDER BY person.name_key, person.person_id LIMIT 50",
    "people-of-a-subtree": f"{_PERSON} AND units.path @> ARRAY['{{top}}'::uuid] ORDER BY person.name_key, person.person_id LIMIT 50",
    "people-by-kind": f"{_PERSON} AND post.kind = 'SY' ORDER BY person.name_key, person.person_id LIMIT 50",
    "posts": f"{_POST} ORDER BY units.code, quotas.kind, quotas.funding LIMIT 50",
    "posts-of-a-subtree": f"{_POST} WHERE units.path @> ARRAY['{{top}}'::uuid] ORDER BY units.code, quotas.kind, quotas.funding LIMIT 50",
}
QUERIES |= {f"{name}-as-of-a-day": QUERIES[name].replace("'infinity'::date", "'2020-06-30'::date") for name in ("units", "people")}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["ROSTER_DATABASE_URL"], min_size=1, max_size=10) as pool:
        app.state.pool = pool
        app.state.found = {
            "unit": str(
                await pool.fetchval("SELECT unit_id FROM placements GROUP BY unit_id HAVING count(*) >= 50 ORDER BY count(*) LIMIT 1")
            ),
            "top": str(await pool.fetchval("SELECT path[1] FROM units GROUP BY path[1] ORDER BY count(*) DESC LIMIT 1")),
        }
        yield


def create_app() -> FastAPI:
    """One route for each list, and one that says which unit they ask for."""
    app = FastAPI(lifespan=_lifespan)
    app.add_api_route("/bare/{name}", _bare)
    app.add_api_route("/found", _found)
    return app


async def _bare(request: Request, name: str) -> Response:
    rows = await request.app.state.pool.fetch(QUERIES[name].format_map(request.app.state.found))
    return Response(to_json([dict(row) for row in rows]), media_type="application/json")


async def _found(request: Request) -> dict[str, str]:
    found: dict[str, str] = request.app.state.found
    return found

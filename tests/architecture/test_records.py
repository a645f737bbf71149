"""S18: every route that changes something says where its record stands, and that table is under the audit's seal; what leaves none says why."""

import importlib
from collections.abc import Mapping

import pytest
from fastapi import FastAPI

from deploy.audit import AUDITED
from deploy.local.place import SERVICES, Place
from tests.architecture.test_routes import methods, routes

LOG, READS = "event_log", "reads: nothing is changed"
CHANGES = (
    "person_changes: who, when, before and after of the person's own data, sealed under his keys and erased with him, so under no seal"
)
JOB = "imports, comparison_runs: the job with its asker; what it writes or finds is in event_log and comparison_steps"
AGAIN = {"POST /upkeep/dead-letters/{number}/replay": "replays: what is handled again is in the event log of who handles it"}
EVERYWHERE = AGAIN | {"POST /exports": "exports", "POST /exports/{export_id}/cancel": "exports: who may cancel is who asked"}
RECORDS: Mapping[str, Mapping[str, str]] = {
    "identity": EVERYWHERE
    | {
        "POST /me/token": "a token of minutes, given to who has one",
        "POST /sessions": "account_records",
        "DELETE /sessions": "account_records",
        "POST /sessions/token": "a token of minutes, given to a session",
        "DELETE /me/sessions/{session_id}": "account_records",
        "DELETE /users/{name}/sessions": "account_records",
        "POST /me/password": "account_records",
        "POST /me/totp": "account_records: a second factor counts from its confirmation on",
        "DELETE /me/totp": "account_records",
        "POST /me/totp/confirmation": "account_records",
        "POST /users/{name}/one-time-password": "account_records",
        "POST /users/{name}/release": "account_records",
        "POST /users": LOG,
        "POST /users/search": READS,
        "POST /users/{name}/roles": "grants",
        "POST /users/{name}/roles/{role}/revocation": LOG,
        "POST /users/{name}/proxies": "proxies",
        "POST /me/proxies/{proxy_id}/end": "proxy_ends",
        "POST /proxies/{proxy_id}/end": "proxy_ends",
        "POST /me/views": "saved_views: how somebody looks at a list, his alone",
        "DELETE /me/views/{view_id}": "saved_views: how somebody looks at a list, his alone",
        "POST /demo/sessions": "account_records",
        "POST /oidc/requests": "nothing is kept: the browser carries it",
        "POST /oidc/sessions": "account_records",
    },
    "roster": EVERYWHERE
    | {
        "POST /persons/search": READS,
        "POST /units/{unit_id}/persons": LOG,
        "POST /units": LOG,
        "PATCH /units/{unit_id}": LOG,
        "POST /units/{unit_id}/close": LOG,
        "POST /reforms": LOG,
        "POST /reforms/check": READS,
        "POST /reforms/read": READS,
        "POST /codes": "code_additions",
        "POST /codes/{name}/{code}/end": "code_endings",
        "POST /units/{unit_id}/quotas": LOG,
        "POST /units/{unit_id}/quotas/raise": LOG,
        "POST /units/{unit_id}/quotas/cut": LOG,
        "POST /units/{unit_id}/quotas/move": LOG,
        "POST /units/{unit_id}/seats": LOG,
        "POST /persons/{person_id}/updates": CHANGES,
        "POST /persons/{person_id}/reveal": "person_reveals",
        "POST /person-finds": "person_finds",
        "POST /persons/{person_id}/corrections": CHANGES,
        "POST /units/{unit_id}/placements": LOG,
        "POST /units/{unit_id}/over-quota": LOG,
        "POST /placements/{placement_id}/release": LOG,
        "POST /transfers": LOG,
        "POST /placements/{placement_id}/seat": LOG,
        "POST /placements/{placement_id}/over-seat": LOG,
        "POST /placements/{placement_id}/corrections": LOG,
        "POST /persons/{person_id}/secondments": LOG,
        "POST /secondments/{secondment_id}/extension": LOG,
        "POST /secondments/{secondment_id}/return": LOG,
        "POST /parameters/{name}": "parameters",
        "POST /persons/{person_id}/key-changes": "pending_changes: nothing holds before its case, whose steps approval has in entries",
        "POST /changes/{change_id}/reveal": "person_reveals",
        "POST /application-checks": READS,
        "POST /loads": LOG,
        "POST /loads/over": "nothing is written: the planner counts anew",
        "POST /loads/check": READS,
        "POST /imports": JOB,
        "POST /imports/{import_id}/apply": LOG,
        "POST /imports/{import_id}/cancel": JOB,
        "POST /comparisons": JOB,
        "POST /comparisons/{run_id}/cancel": JOB,
        "POST /differences/{difference_id}/answer": "comparison_steps",
        "POST /differences/{difference_id}/move": "comparison_steps",
        "POST /differences/{difference_id}/accept": "comparison_steps",
        "POST /differences/{difference_id}/reveal": "comparison_steps",
        "POST /persons/{person_id}/requests": "person_requests: sealed as it was taken in once it is decided",
        "POST /person-requests/{request_id}/copy": "person_reveals",
        "POST /person-requests/{request_id}/decision": "person_decisions",
    },
    "approval": EVERYWHERE
    | {
        "POST /applications": LOG,
        "POST /applications/{application_id}/decisions": "entries",
        "POST /applications/{application_id}/recording": "entries: what is written is what was decided, once more",
        "POST /applications/{application_id}/resubmission": "entries",
        "POST /applications/{application_id}/withdrawal": "entries",
        "POST /applications/{application_id}/urging": "entries",
        "POST /applications/{application_id}/reading": "readings: what somebody has seen, his alone",
        "POST /documents/{document_id}/release": "seal_register",
        "POST /documents/{document_id}/revocation": "entries",
        "POST /application-previews": READS,
        "POST /applications/{application_id}/attachments": "attachments",
        "POST /verifications": READS,
        "POST /seal-callbacks": "filing_ledger",
    },
    "monitoring": EVERYWHERE
    | {
        "POST /units/{unit_id}/baseline-release": LOG,
        "POST /issues/{issue_id}/confirmation": "issue_entries",
        "POST /issues/{issue_id}/recording": "issue_entries: what is written is what was decided, once more",
        "POST /issues/{issue_id}/dismissal": "issue_entries",
        "POST /issues/{issue_id}/service": "issue_entries",
        "POST /issues/{issue_id}/acceptance": "issue_entries",
        "POST /issues/{issue_id}/evidence-return": "issue_entries",
        "POST /issues/{issue_id}/measures": "measures",
        "POST /issues/{issue_id}/measures/{measure_id}/correction": "measure_corrections",
        "POST /issues/{issue_id}/pause": "issue_entries",
        "POST /issues/{issue_id}/resume": "issue_entries",
        "POST /issues/{issue_id}/extension": "issue_entries",
        "POST /issues/{issue_id}/extension-request": "issue_entries",
        "POST /issues/{issue_id}/extension-refusal": "issue_entries",
        "POST /issues/{issue_id}/evidence-files": "evidence_files",
        "POST /issues/{issue_id}/evidence": "issue_entries",
        "POST /issues/{issue_id}/notice/release": "seal_register",
        "POST /verifications": READS,
        "POST /freeze-orders": LOG,
        "POST /freeze-orders/{order_id}/recording": "freeze_entries: what is written is what was decided, once more",
        "POST /freeze-orders/{order_id}/decision": "freeze_entries",
        "POST /freeze-orders/{order_id}/release-decision": "freeze_entries",
        "POST /supervision-lists/{list_id}/release": "seal_register",
        "POST /supervision-lists/{list_id}/acknowledgement": "seal_register",
        "POST /seal-callbacks": "seal_tasks: the platform's answer; the sealed file proves itself",
        "POST /parameters": "parameters",
    },
    "reporting": {
        "POST /rebuilds": "generations: figures made anew from events, nothing of its own; reporting has no seal",
        **dict.fromkeys(EVERYWHERE, "reporting has no seal: its tables can be made anew from events"),
    },
}
"""By service and route: a table that is under its seal; or, with a colon or in words, where it stands instead and why."""


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(service: str, stack: Place, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    for name, value in stack.variables(service).items():
        monkeypatch.setenv(name, value)
    made: FastAPI = importlib.import_module(f"services.{service}.app").create_app()
    return made


def test_every_route_that_may_change_something_says_where_its_record_stands(service: str, app: FastAPI) -> None:
    changing = {f"{method} {route.path}" for route in routes(app) for method in methods(route) if method not in {"GET", "HEAD"}}

    assert changing - RECORDS[service].keys() == set()
    assert RECORDS[service].keys() - changing <= {route for route in RECORDS[service] if "/oidc/" in route or "/demo/" in route}


def test_a_record_that_is_named_by_its_table_alone_is_under_the_seal(service: str) -> None:
    named = {record for record in RECORDS[service].values() if " " not in record}

    assert named <= {each.table for each in AUDITED.get(service, ())}

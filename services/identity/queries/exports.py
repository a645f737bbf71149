"""The lists of identity that leave the house: accounts with their rights, what changed in both, and sign-ins. Nothing anybody signs in with is in any."""

from typing import Any

import asyncpg

from shared.auth import Who
from shared.deeds import EVENTS
from shared.exports.letters import letters_list
from shared.exports.lists import (
    Column,
    ExportList,
    Eye,
    Filters,
    Sheet,
    Sought,
    Source,
    Turn,
    acted,
    all_labelled,
    exports_of,
    joined,
    labelled,
    wall_clock,
)
from shared.exports.trail import trail_list
from shared.glossary import Role
from shared.sheets.writing import Form
from shared.unit_copies import scope, visible

_HELD = "FROM grants g WHERE g.user_id = u.id AND g.revoked_at IS NULL"


def users_source(who: Who, filters: Filters) -> Source:
    """Accounts by login name; of those who hold a role, or all. A unit that the asker may not be told has no name, as on the page."""
    rows = f"""
        FROM users u LEFT JOIN LATERAL (
            SELECT array_agg(g.role ORDER BY g.role) AS roles, bool_or(g.unit_ids IS NULL) AS everywhere {_HELD}
        ) AS held ON true LEFT JOIN LATERAL (
            SELECT array_agg(coalesce(named.name, '（不公开的单位）') ORDER BY named.name) AS units
            FROM (SELECT DISTINCT unnest(g.unit_ids) AS id {_HELD}) AS root
            LEFT JOIN unit_copies named ON named.id = root.id AND {visible(who, row="named")}
        ) AS begins ON true
        WHERE ($2::text IS NULL OR $2 = ANY(held.roles))
    """
    return Source(rows, "u.name", (scope(who), filters.get("role")))


USERS = (
    Column("name", "登录名", "u.name"),
    Column("real_name", "姓名", "u.real_name"),
    Column("roles", "角色", "held.roles", turn=all_labelled),
    Column("units", "范围", "CASE WHEN held.everywhere THEN ARRAY['全市'] ELSE begins.units END", turn=joined),
)


def changes_source(_: Who, __: Filters) -> Source:
    """Every change to accounts and rights, the latest first."""
    rows = """
        FROM event_log row LEFT JOIN users whom ON whom.name = row.body ->> 'user' LEFT JOIN users acting ON acting.name = row.actor
        LEFT JOIN users absent ON absent.name = row.body ->> 'absent'
    """
    return Source(rows, "row.event_id DESC", ())


def _reach(_: Eye) -> Turn:
    """Over how much a role was given; nothing of a change that gives none."""

    def turn(body: dict[str, Any], _: asyncpg.Record) -> str | None:
        if "unit_ids" not in body:
            return None
        return "全市" if body["unit_ids"] is None else f"{len(body['unit_ids'])} 个单位"

    return turn


_ACTING = (Column("actor", "经办账号", "row.actor", turn=acted), Column("acting", "经办人", "acting.real_name"))
CHANGES = (
    Column("at", "时间", wall_clock("row.recorded_at"), Form.INSTANT),
    Column("change", "变动", "row.type", turn=lambda _: lambda value, __: EVENTS.get(value, value)),
    Column("user_name", "登录名", "row.body ->> 'user'"),
    Column("real_name", "姓名", "whom.real_name"),
    Column("role", "角色", "row.body ->> 'role'", turn=labelled),
    Column("reach", "范围", "row.body", turn=_reach),
    Column("absent_name", "代谁办理（登录名）", "row.body ->> 'absent'"),
    Column("absent_real_name", "代谁办理", "absent.real_name"),
    Column("until", "代办到", wall_clock("(row.body ->> 'ends_at')::timestamptz"), Form.INSTANT),
    *_ACTING,
    Column("document_no", "依据", "row.document_no"),
    Column("reason", "事由", "row.reason"),
    Column("change_id", "记录编号", "row.event_id::text"),
)


def sign_ins_source(_: Who, filters: Filters) -> Source:
    """Sign-ins, refusals, locks, releases, changes of passwords, the latest first; of one account, or of all."""
    rows = """
        FROM account_records row LEFT JOIN users whom ON whom.id = row.user_id LEFT JOIN users acting ON acting.name = row.actor
        WHERE ($1::text IS NULL OR row.user_name = $1)
    """
    return Source(rows, "row.id DESC", (filters.get("user"),))


SIGN_INS = (
    Column("at", "时间", wall_clock("row.kept_at"), Form.INSTANT),
    Column("deed", "事项", "row.deed", turn=labelled),
    Column("user_name", "登录名", "row.user_name"),
    Column("real_name", "姓名", "whom.real_name"),
    *_ACTING,
    Column("address", "地址", "row.address"),
    Column("reason", "事由", "row.reason"),
    Column("record_id", "记录编号", "row.id::text"),
)
EXPORTS = exports_of(
    ExportList("users", "用户与角色", "users.read", [Sheet("用户", USERS, users_source)], {"role": Role}),
    ExportList("account_changes", "账号变更", "audit.read", [Sheet("变更", CHANGES, changes_source)]),
    ExportList("sign_ins", "登录记录", "audit.read", [Sheet("登录", SIGN_INS, sign_ins_source)], {"user": Sought}),
    letters_list("identity"),
    trail_list("identity"),
)

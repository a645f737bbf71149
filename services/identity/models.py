"""Commands' inputs, what they answer, what is kept of a user, and this service's refusals."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.audit.models import EVENT_LOG, Audited
from shared.errors import Conflict, Forbidden, NotFound
from shared.glossary import Role

AUDITED = (
    EVENT_LOG,
    Audited("grants", "id", ("user_id", "role", "unit_ids", "granted_by", "granted_at")),
    Audited("proxies", "id", ("user_id", "absent_id", "during", "set_by")),
)
"""What stands under the audit's seal; new tables are added at the end. That a role was taken back is in the event log."""
NAME = r"^[a-z][a-z0-9._-]{1,39}$"


class Input(BaseModel):
    """A command's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RegisterUser(Input):
    """Make an account without rights."""

    name: str = Field(pattern=NAME)
    real_name: str = Field(min_length=1, max_length=60)


class GrantRole(Input):
    """Give a role over unit subtrees; no units means the whole county."""

    user: str
    role: Role
    unit_ids: tuple[UUID, ...] | None = Field(None, min_length=1)


class RevokeRole(Input):
    """Take a role back."""

    user: str
    role: Role


class SetProxy(Input):
    """`user` stands in for `absent` (授权代办), from now on unless `begins_at` says otherwise."""

    user: str
    absent: str
    begins_at: AwareDatetime | None = None
    until: AwareDatetime


class SeedAdministrators(Input):
    """Make the first administrators of an empty system."""


@dataclass(frozen=True)
class Grant:
    """A role a user holds now."""

    role: Role
    unit_ids: tuple[UUID, ...] | None


@dataclass(frozen=True)
class User:
    """An account."""

    id: UUID
    name: str
    real_name: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Proxy:
    """A proxy as it was set."""

    id: UUID
    user: str
    absent: str
    begins_at: datetime
    until: datetime


@dataclass(frozen=True)
class AuditEntry:
    """Who changed what, when and why."""

    id: UUID
    at: datetime
    actor: str
    type: str
    reason: str
    document_no: str | None
    change: dict[str, object]


class UserUnknown(NotFound):
    """No such account."""

    code = "user_unknown"
    sentence = "没有名为 {user} 的用户。请核对登录名。"


class NameTaken(Conflict):
    """The login name is in use."""

    code = "name_taken"
    sentence = "登录名 {user} 已被使用，请换一个。"


class SelfGrant(Forbidden):
    """Nobody grants himself anything."""

    code = "self_grant"
    sentence = "不能给自己授权。请由另一名安全管理员办理。"


class AdministratorsSeparate(Conflict):
    """三员分立."""

    code = "administrators_separate"
    sentence = "系统管理员、安全管理员、审计管理员必须由三个人分别担任，该用户已任其中一员。请另选一人。"


class AlreadyGranted(Conflict):
    """He holds the role already."""

    code = "already_granted"
    sentence = "该用户已有此角色。如需调整范围，请先收回再授予。"


class NotGranted(Conflict):
    """There is nothing to revoke."""

    code = "not_granted"
    sentence = "该用户没有此角色，无需收回。"


class ScopeMissing(Conflict):
    """A role of a unit needs its unit."""

    code = "scope_missing"
    sentence = "单位角色必须指定所管单位，不能授予全市范围。请填写单位后再授予。"


class ScopesDiffer(Conflict):
    """A token carries one row scope for all roles: another scope would widen the roles he has."""

    code = "scopes_differ"
    sentence = "同一用户的各个角色须有相同的单位范围。请另开一个账号，或先收回原有角色。"


class ServiceRole(Conflict):
    """The services' own role is not for people."""

    code = "service_role"
    sentence = "“系统服务”角色只供系统内部使用，不能授予用户。"


class ProxyRefused(Conflict):
    """The pair may not stand in for each other, or the time makes no sense."""

    code = "proxy_refused"
    sentence = "代办设置不成立：代办人与被代办人须为不同的用户且都不是管理员，截止时间须晚于开始时间和当前时间。请核对后重新提交。"

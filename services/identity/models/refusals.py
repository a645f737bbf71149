"""How identity says no."""

from shared.errors import Conflict, Forbidden, NotFound, Unproved


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


class AdministratorOfUnits(Conflict):
    """Accounts, rights and records are of no unit: who keeps them could give himself the rest through another."""

    code = "administrator_of_units"
    sentence = "管理员负责全市的账号、权限和日志，不能只授予部分单位。请将范围选为全市后再授予。"


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


class ProxyUnknown(NotFound):
    """No such proxy, not the caller's, or over already."""

    code = "proxy_unknown"
    sentence = "没有找到该项代办，或者它已经结束。请重新打开代办列表核对。"


class SignInRefused(Unproved):
    """No such account, no such password, no such code: which of them is not said."""

    code = "sign_in_refused"
    sentence = "登录名、密码或动态口令不正确。请核对后重试；连续多次不正确将暂时锁定。"


class AccountLocked(Unproved):
    """Too many attempts under this name."""

    code = "account_locked"
    sentence = "连续多次登录不正确，此登录名已锁定至 {ends}。请届时再试，或联系系统管理员解锁。"


class CodeNeeded(Unproved):
    """The password is right; the account has a second factor."""

    code = "code_needed"
    sentence = "此账号已启用动态口令。请输入手机应用中显示的 6 位动态口令。"


class CodeUsed(Unproved):
    """A code works once."""

    code = "code_used"
    sentence = "此动态口令已用过。请等待下一个动态口令。"


class OneTimePasswordOver(Unproved):
    """It was not used in time."""

    code = "one_time_password_over"
    sentence = "一次性密码已过期。请联系系统管理员重新发放。"


class SessionEnded(Unproved):
    """There is no session of this key, or no more."""

    code = "session_ended"
    sentence = "您已退出登录，或长时间没有操作。请重新登录；已填写的内容不会丢失。"


class SessionUnknown(NotFound):
    """No session of his own by this id."""

    code = "session_unknown"
    sentence = "没有找到这个登录会话，或它已结束。请重新打开登录会话列表核对。"


class PasswordTooShort(Conflict):
    """Too few characters."""

    code = "password_too_short"
    sentence = "新密码至少 {length} 个字符。请重新设置。"


class PasswordTooPlain(Conflict):
    """Too few kinds of characters."""

    code = "password_too_plain"
    sentence = "新密码须包含小写字母、大写字母、数字、符号中的至少 {kinds} 种。请重新设置。"


class PasswordHoldsName(Conflict):
    """The login name stands in it."""

    code = "password_holds_name"
    sentence = "新密码不能包含登录名。请重新设置。"


class PasswordGuessable(Conflict):
    """It stands on a list of common ones, or is made of words, dates, keyboard rows."""

    code = "password_guessable"
    sentence = "新密码过于常见，容易被猜出。请不要使用常用词、姓名拼音、日期或键盘顺序，重新设置。"


class PasswordUsedBefore(Conflict):
    """One of the last ones."""

    code = "password_used_before"
    sentence = "新密码与最近用过的密码相同。请换一个。"


class PasswordWrong(Forbidden):
    """The present password, asked for once more, is another."""

    code = "password_wrong"
    sentence = "当前密码或动态口令不正确，未作更改。请核对后重试。"


class PasswordOfAdministrator(Forbidden):
    """Whoever could set another administrator's password would be both of them."""

    code = "password_of_administrator"
    sentence = "管理员的密码不能在页面上发放。请在服务器上运行 bianban identity one-time-password。"


class OneTimePasswordOut(Conflict):
    """Somebody else knows the password with which a new administrator would sign in."""

    code = "one_time_password_out"
    sentence = "该用户的一次性密码已发放、本人尚未修改，发放人可用它登录，现在不能授予管理员角色。请待本人登录并修改密码后再授予。"


class FactorPresent(Conflict):
    """There is a second factor already."""

    code = "factor_present"
    sentence = "动态口令已启用。如需更换，请先停用。"


class FactorMissing(Conflict):
    """There is no second factor, or none that waits for its first code."""

    code = "factor_missing"
    sentence = "没有待确认的或已启用的动态口令。请先申请启用。"


class CodeWrong(Forbidden):
    """Not the code of this moment."""

    code = "code_wrong"
    sentence = "动态口令不正确。请确认手机时间准确后，输入当前显示的动态口令。"


class ProviderRefused(Unproved):
    """The provider does not vouch, or what came is not what it sent for this request."""

    code = "provider_refused"
    sentence = "统一身份认证未通过，或本次登录已过期。请重新登录。"


class ProviderAccountUnknown(Unproved):
    """The provider vouches for somebody who has no account here; none is made by itself."""

    code = "provider_account_unknown"
    sentence = "统一身份认证已通过，但本系统没有对应的账号。请联系系统管理员建立账号。"


class ViewUnknown(NotFound):
    """No saved view of his own by this id."""

    code = "view_unknown"
    sentence = "没有找到这个视图，或它已删除。请重新打开列表核对。"


class TooManyViews(Conflict):
    """So many that nobody finds one."""

    code = "too_many_views"
    sentence = "最多保存 {most} 个视图。请先删除不用的视图，再保存。"

"""The four ways a command refuses. Doors map the kind; clients and tests match the code.

A refusal is a fact about the request, never a fault: it changes nothing, and each door answers it in its own form.
"""

from typing import ClassVar


class DomainError(Exception):
    """A refusal. `code` is stable, `sentence` is what the user reads, `facts` are ids and numbers only (never personal data); `where`: said
    before it, which part of a request of many parts was refused.
    """

    code: ClassVar[str] = "refused"
    sentence: ClassVar[str] = "请求未被接受。"

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts = {name: str(value) for name, value in facts.items()}
        self.where = ""

    def __str__(self) -> str:
        return self.where + self.sentence.format_map(_Lenient(self.facts))


class _Lenient(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "—"


class NotFound(DomainError):  # noqa: N818  a refusal is named as the fact it states
    """What the request speaks of is not known (here, or to this caller)."""

    code = "not_found"
    sentence = "没有找到所请求的对象，或者您无权查看。请核对后再试。"


class Conflict(DomainError):  # noqa: N818
    """The present state does not allow it."""

    code = "conflict"
    sentence = "当前状态不允许这样做，可能刚有人办理过。请从列表中重新打开该事项，核对后再办。"


class Forbidden(DomainError):  # noqa: N818
    """The caller may not do this."""

    code = "forbidden"
    sentence = "您没有办理此事项的权限。如有需要，请联系系统管理员。"


class NotPermitted(Forbidden):
    """None of the caller's roles may do this; who may is told."""

    sentence = "您没有办理此事项的权限。有此权限的是：{roles}。请交由其办理；您的角色有误的，请联系系统管理员。"


class Unproved(DomainError):  # noqa: N818
    """Who asks has not shown that he is who he says."""

    code = "not_signed_in"
    sentence = "登录已失效或未登录。请重新登录；已填写的内容不会丢失。"


class KeyReused(Conflict):
    """The idempotency key came before, with another body."""

    code = "key_reused"
    sentence = "同一请求编号已用于内容不同的请求。请换一个请求编号重新提交。"


class NotYetKnown(Exception):  # noqa: N818
    """A fact that travels by another way has not arrived; the consumer waits for it up to its limit."""


class Unavailable(Exception):  # noqa: N818
    """A part this request needs is away. The same request may be repeated later with the same key."""


class CannotStart(Exception):  # noqa: N818
    """Why a process does not start, in a sentence for who operates it: variables and files by name, never what they hold."""

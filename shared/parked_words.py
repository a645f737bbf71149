"""Why an event is parked, in the reader's words; the reason that is kept stays as the consumer wrote it."""

import re

from shared.problems import TITLES

WAITS = "waits behind an earlier dead letter of its key"
DIED = "the process died while handling it"
_WHOLE = {WAITS: "排在同一对象更早的死信之后", DIED: "处理时进程中断", "GapSeen": "缺少此前的版本（GapSeen）"}
_UNREADABLE = {
    "no event id": "没有事件编号",
    "the record's key is another": "消息键与事件不符",
    "a version newer than this build": "事件版本新于本程序，升级后重新处理",
    "unknown type, or a type of another publisher": "事件类型未知，或不由该主题发布",
    "headers and data disagree": "消息头与内容不一致",
}
_UNREAD = re.compile(r"the driver cannot read offsets (\d+) to (\d+) \((.*)\)")


def parked_because(error: str) -> str:
    """A refusal by its title, what is no event by what is wrong with it; any other failure by its name."""
    if error.startswith("Unreadable: "):
        return f"无法识别为事件：{_unreadable(error.removeprefix('Unreadable: '))}"
    return f"{TITLES[error]}（{error}）" if error in TITLES else _WHOLE.get(error, error)


def unread(error: str) -> range:
    """The offsets that the driver could not read, where that is why; none otherwise."""
    found = _UNREAD.fullmatch(error.removeprefix("Unreadable: "))
    return range(int(found[1]), int(found[2]) + 1) if found else range(0)


def _unreadable(what: str) -> str:
    if found := _UNREAD.fullmatch(what):
        return "驱动程序读不出第 {} 至 {} 条（{}），重放无用，须在服务器上用 bianban dead-letters reread 重读".format(*found.groups())
    return _UNREADABLE.get(what) or f"内容不合格式（{what}）"

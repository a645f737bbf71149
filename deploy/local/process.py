"""One child process: started so that it cannot outlive its supervisor, its log kept in bounds, its port known to be free."""

import asyncio
import ctypes
import os
import re
import resource
import signal
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from deploy.local.part import Part
from deploy.local.place import PROJECT

LOG_BYTES = 10_000_000
LOGS_KEPT = 9
"""Of a busy door, which says a line for each request, some hours."""
NURSERY = "NURSERY_PID"
"""The variable by which a fork knows whose child it was made as, even when that has ended since."""
_PR_SET_PDEATHSIG = 1
_WORDS = re.compile(r"(?!\s*at [\w.$]+\(|\s*\.\.\. \d+ more)[\W\d_]*[^\W\d_]")
_ENDED, _WHY = (
    re.compile(r"LOG:  (database system is shut down|shutting down due to |aborting startup due to )"),
    re.compile(r"@ FATAL:  |PANIC:  "),
)
"""PostgreSQL's last words, and those of the server itself that tell why: what it refuses a client (`user@database FATAL`) is no end of it."""
_LOOKED_AT = 65536
"""Bytes. A server that ends takes leave of each of its clients."""
_libc = ctypes.CDLL(None)


class PortTaken(Exception):  # noqa: N818  named as the fact it states
    """Somebody else listens where a part wants to listen; the text names the process."""


def end_with_parent(death: signal.Signals, parent: int) -> Callable[[], None]:
    """What a child calls to be sent `death` by the kernel when its parent is gone, and to leave no core file when it crashes."""

    def bind() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if os.getppid() != parent:
            os._exit(1)

    return bind


async def spawn(part: Part, log: Path) -> asyncio.subprocess.Process:
    """Start the part's program in a session of its own, with its output appended to its log."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *part.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            env=dict(part.variables),
            start_new_session=True,
            preexec_fn=end_with_parent(part.stop_signal, os.getpid()),
        )


def refuse_taken_ports(ports: Iterable[int]) -> None:
    """Raise PortTaken for the first port that cannot be bound."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise PortTaken(
                    f"端口 {port} 已被占用：{_listener(port)}。请停止它，或设置 BIANBAN_PORT_OFFSET（如 1000），让本套系统改用别的端口。"
                ) from None


def _listener(port: int) -> str:
    """Pid and command of the process that listens on a port, as far as this user may know."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN and connection.pid:
            try:
                holder = psutil.Process(connection.pid)
                return f"进程 {holder.pid}（{holder.name()}：{' '.join(holder.cmdline())[:160]}）"
            except psutil.Error:
                break
    return "另一用户的进程，或刚刚结束的进程"


def rotate(log: Path) -> None:
    """Move a log that has grown too long aside. The file itself stays, because its process keeps it open (in append mode).

    It is copied before the older ones move on, so that a full disk loses none of them.
    """
    if not log.exists() or log.stat().st_size < LOG_BYTES:
        return
    log.with_name(f"{log.name}.0").write_bytes(log.read_bytes())
    for number in range(LOGS_KEPT - 1, -1, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    os.truncate(log, 0)


def last_line(log: Path) -> str:
    """The last thing a process said in words (where it is Java, without the calls it stood in; where it is PostgreSQL, why it ends, and not that it has);
    nothing when its log was taken away.
    """
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOOKED_AT))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if _WORDS.match(line)]
    if lines and _ENDED.search(lines[-1]):
        lines = [line for line in lines if _WHY.search(line)] or lines
    return lines[-1].strip(" |+-")[:300] if lines else ""


def end_group(pid: int, how: signal.Signals) -> None:
    """Signal a child and what it started itself."""
    try:
        os.killpg(pid, how)
    except ProcessLookupError:
        return

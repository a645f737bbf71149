"""Which versions run: our own as it was when the process began, and what Temporal tells of its server and of the workflows' worker."""

import asyncio
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

from shared.temporal import WORKFLOWS

PROJECT = Path(__file__).parents[1]
_WITHIN = timedelta(seconds=3)


@dataclass(frozen=True)
class Ours:
    """`number`: of the package; `commit`: of the tree it was started from, empty where that is no checkout."""

    number: str
    commit: str


@dataclass(frozen=True)
class OfTemporal:
    """`builds`: what runs workflows now; two for a moment while a new one takes over, none while none runs."""

    server: str
    builds: tuple[str, ...]


def ours(project: Path = PROJECT) -> Ours:
    """Read from the tree."""
    number = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        return Ours(number, _commit(project / ".git")[:12])
    except OSError:
        return Ours(number, "")


def _commit(git: Path) -> str:
    """What HEAD names, in a checkout or a worktree of one."""
    folder = Path(git.read_text(encoding="utf-8").partition(": ")[2].strip()) if git.is_file() else git
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return head
    ref, beyond = head.removeprefix("ref: "), folder / "commondir"
    common = folder / beyond.read_text(encoding="utf-8").strip() if beyond.exists() else folder
    if (common / ref).exists():
        return (common / ref).read_text(encoding="utf-8").strip()
    packed = (line.split() for line in (common / "packed-refs").read_text(encoding="utf-8").splitlines())
    return next((each[0] for each in packed if each[1:] == [ref]), "")


OURS = ours()


async def of_temporal(client: Client, task_queue: str = WORKFLOWS) -> OfTemporal | None:
    """Asked of the server itself; none while it does not answer."""
    queue = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    )
    try:
        async with asyncio.timeout(_WITHIN.total_seconds()):
            info = await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_WITHIN)
            found = await client.workflow_service.describe_task_queue(queue, timeout=_WITHIN)
    except (RPCError, RuntimeError, TimeoutError):  # RuntimeError: a lazy client that has never reached the server
        return None
    builds = {each.worker_version_capabilities.build_id or each.deployment_options.build_id for each in found.pollers}
    return OfTemporal(info.server_version, tuple(sorted(builds - {""})))

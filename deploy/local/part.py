"""One part of the stack as data: what to run, after what, how to see that it is ready, how to stop it."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploy.local.probes import Probe


@dataclass(frozen=True)
class Part:
    """A server, a process of the product, or a job that ends before others may start. Nobody waits for a part that stands `aside`."""

    name: str
    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)
    after: tuple[str, ...] = ()
    probe: Probe | None = None
    ports: tuple[int, ...] = ()
    prepare: Callable[[], None] | None = None
    job: bool = False
    forked: bool = False
    aside: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    start_seconds: float = 60.0
    stop_seconds: float = 30.0

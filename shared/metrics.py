"""Every figure the system tells, by its OpenTelemetry name: the conventional one where there is one, else under `bianban.`.

Doors and loops record here; nothing is sent by them. What is read from tables is asked once per interval (`shared/watching.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_UNITS = {"s": "seconds", "By": "bytes", "1": "ratio"}
_meter = metrics.get_meter("bianban")

Series = Iterable[tuple[Mapping[str, str], float]]
"""Labels and value of each series of a figure."""


@dataclass(frozen=True)
class Named:
    """A figure as it is told."""

    name: str
    unit: str
    kind: str
    about: str

    @property
    def prometheus(self) -> str:
        """Its name in alerts and dashboards; a histogram's series add `_bucket`, `_sum` and `_count`."""
        return prometheus_name(self.name, self.unit, counts=self.kind == "counter")


CATALOGUE: dict[str, Named] = {}


def prometheus_name(name: str, unit: str, *, counts: bool) -> str:
    """OpenTelemetry's own rule: dots become underscores, the unit follows unless it is a `{thing}`, counters end in `_total`."""
    suffix = "" if unit.startswith("{") else _UNITS.get(unit, unit)
    return "_".join(part for part in (name.replace(".", "_"), suffix, "total" if counts else "") if part)


def collected() -> bool:
    """Whether anybody takes figures; nothing is read from tables for nobody."""
    return isinstance(metrics.get_meter_provider(), MeterProvider)


def _histogram(name: str, about: str) -> Histogram:
    CATALOGUE[name] = Named(name, "s", "histogram", about)
    return _meter.create_histogram(name, "s", about, explicit_bucket_boundaries_advisory=_SECONDS)


def _counter(name: str, unit: str, about: str) -> Counter:
    CATALOGUE[name] = Named(name, unit, "counter", about)
    return _meter.create_counter(name, unit, about)


class Gauge:
    """What was last read; told at each interval, and no more once it can no longer be read."""

    def __init__(self, name: str, unit: str, about: str) -> None:
        CATALOGUE[name] = Named(name, unit, "gauge", about)
        self._sources: dict[str, Callable[[], Series]] = {}
        _meter.create_observable_gauge(name, [self._tell], unit, about)

    def set(self, source: str, series: Series) -> None:
        """Replace what one source told."""
        self._sources[source] = lambda: series

    def ask(self, source: str, read: Callable[[], Series]) -> None:
        """Have a source read when figures are told; it must not wait for anything."""
        self._sources[source] = read

    def _tell(self, _: CallbackOptions) -> list[Observation]:
        return [Observation(value, dict(labels)) for read in list(self._sources.values()) for labels, value in read()]


REQUESTS = _histogram("http.server.request.duration", "HTTP 请求用时")
COMMANDS = _histogram("bianban.command.duration", "命令用时；error.type 为拒绝代码")
TURNED_AWAY = _counter("bianban.turned_away", "{request}", "身份不成立（401）或过于频繁（429）的请求；error.type 为拒绝代码")
EVENT_DELAY = _histogram("bianban.event.delay", "业务变动（事件产生）到处理完成，含在发件箱中的等待，每批取最久的一条")
SENT = _counter("messaging.client.sent.messages", "{message}", "发件箱投递到 Kafka 的事件")
CONSUMED = _counter("messaging.client.consumed.messages", "{message}", "消费者处理的事件")
RECONNECTS = _counter("bianban.consumer.reconnects", "{reconnect}", "消费者断开后重新连接的次数")
WORKFLOWS = _counter("bianban.workflow.requests", "{request}", "启动与告知流程的请求")

OUTBOX_DEPTH = Gauge("bianban.outbox.depth", "{message}", "发件箱各通道等待的行数")
OUTBOX_AGE = Gauge("bianban.outbox.age", "s", "发件箱各通道最早一行等待的时间")
LAG = Gauge("kafka.consumer_group.lag", "{message}", "消费者在各分区落后的事件数")
DEAD_LETTERS = Gauge("bianban.dead_letters.count", "{letter}", "死信条数")
DEAD_KEYS = Gauge("bianban.dead_letters.keys", "{key}", "被死信挡住的消息键（单位）数")
OPEN_DEADLINES = Gauge("bianban.deadlines.open", "{case}", "计时中、尚未到期的案件")
OVERDUE_DEADLINES = Gauge("bianban.deadlines.overdue", "{case}", "已逾期的案件")
UNNOTICED_DEADLINES = Gauge("bianban.deadlines.unnoticed", "{case}", "期限已到而流程没有动作的案件")
HELD_CASES = Gauge("bianban.cases.held", "{case}", "有一步没有写入台账，或文书不能生成、签章而停办待查的案件")
SCHEDULE_AGE = Gauge("bianban.schedule.age", "s", "每日任务最近一次开始距今的时间（按其应当开始的时刻）")
SEALS_WAITING = Gauge("bianban.seals.waiting", "{document}", "已放行、等待签章的文书")
SEALS_AGE = Gauge("bianban.seals.age", "s", "等待签章最久的文书已等待的时间")
EXPORTS_BEGUN_AGAIN = Gauge("bianban.exports.begun_again", "{export}", "写过三次以上、未完成或一天内结束的导出")
ARCHIVE_AGE = Gauge("bianban.archive.age", "s", "归档落后于现在的时间：此刻恢复会缺少这么久的业务")
DISKS = Gauge("system.filesystem.utilization", "1", "磁盘已用的比例：数据目录和文件目录所在的盘")
UPTIME = Gauge("process.uptime", "s", "进程已运行的时间；没有它，就是进程不在")
POOL = Gauge("db.client.connection.count", "{connection}", "数据库连接数，按状态")

TEMPORAL = {
    "temporal_workflow_failed_total": "流程失败",
    "temporal_workflow_task_execution_failed_total": "流程任务执行失败（程序与历史不符等）",
    "temporal_num_pollers": "取任务的连接数",
    "temporal_long_request_failure_total": "取任务失败（Temporal 不应答等）",
    "temporal_activity_execution_failed_total": "活动执行失败（会重试）",
    "temporal_workflow_task_schedule_to_start_latency_seconds": "流程任务等待执行的时间",
}
"""What Temporal's SDK tells by itself and we look at, as Prometheus names it."""

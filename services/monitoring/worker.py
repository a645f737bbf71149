"""The other process of monitoring: consumer, outbox relays to Kafka and Temporal, activities, and the watch over parked units."""

from services.monitoring.activities import MonitoringActivities
from services.monitoring.consumers import subscription, watch_dead_letters
from services.monitoring.models import Surroundings
from services.monitoring.settings import MonitoringSettings
from shared import telemetry
from shared.clock import Clock
from shared.consumer import consume
from shared.db import connect
from shared.kafka import KafkaSender
from shared.law.notices import load_calendar
from shared.outbox import relay
from shared.process import run, side_by_side
from shared.settings import StackSettings
from shared.temporal import TemporalSender, serve_activities
from shared.temporal import connect as connect_temporal
from workflows.rectification import TASK_QUEUE


async def main() -> None:
    """Run until told to stop."""
    stack, own = StackSettings(), MonitoringSettings()
    telemetry.set_up("monitoring-worker", stack.otlp)
    clock = Clock(stack.clock_file)
    surroundings = Surroundings(load_calendar(stack.calendar_files), lambda: clock.offset() if stack.may_move_time else None)
    temporal = await connect_temporal(stack.temporal, stack.temporal_namespace, bytes.fromhex(stack.secret("payload.key")), lazy=True)
    async with connect(own.database_url, "monitoring") as database:
        await side_by_side(
            consume(database, own.database_url, stack.kafka, subscription(surroundings, stack.topic_prefix)),
            relay(database, own.database_url, KafkaSender(stack.kafka, stack.topic_prefix)),
            relay(database, own.database_url, TemporalSender(temporal)),
            serve_activities(temporal, TASK_QUEUE, MonitoringActivities(database).all()),
            watch_dead_letters(database, clock),
        )


if __name__ == "__main__":
    run(main())

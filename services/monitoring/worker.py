"""The other process of monitoring: consumer, outbox relays to Kafka and Temporal, activities, and the watch over parked units."""

from datetime import timedelta

import httpx

from services.monitoring.activities import MonitoringActivities, Sealing
from services.monitoring.commands import retention
from services.monitoring.commands.calendars import tell_calendar
from services.monitoring.consumers import subscription, watch_dead_letters
from services.monitoring.models.audited import AUDITED
from services.monitoring.models.facts import Surroundings
from services.monitoring.queries.calendars import cases_behind
from services.monitoring.queries.exports import EXPORTS
from services.monitoring.queries.figures import FIGURES
from services.monitoring.settings import MonitoringSettings
from shared import telemetry
from shared.audit.commands import serve_seals
from shared.calendars import watch_calendar
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.db import Database, connect
from shared.documents import Renderer
from shared.events.audit import MonitoringAuditSealed
from shared.exports.retention import Keeping, keep_in_time
from shared.exports.running import Office, serve_exports
from shared.exports.shelf import Shelf
from shared.kafka import KafkaSender
from shared.law.notices import Notices
from shared.listening import consume
from shared.outbox import relay
from shared.process import run, side_by_side
from shared.seal import EmbeddedSealPlatform
from shared.temporal import TemporalSender, serve_activities
from shared.temporal import connect as connect_temporal
from shared.watching import tell_disks, watch
from workflows.rectification import TASK_QUEUE
from workflows.sealing_messages import Document


async def main() -> None:
    """Run until told to stop."""
    settings = MonitoringSettings()
    telemetry.set_up("monitoring-worker", settings.otlp)
    tell_disks(settings.folders)
    clock = Clock(settings.clock_file)
    notices = Notices(settings.calendar_folder)
    surroundings = Surroundings(notices.calendar, lambda: clock.offset() if settings.may_move_time else None, clock.now)
    temporal = await connect_temporal(
        settings.temporal, settings.temporal_namespace, bytes.fromhex(settings.secret("payload.key")), lazy=True, otlp=settings.otlp
    )
    async with (
        connect(settings.database_url, "monitoring") as database,
        httpx.AsyncClient(base_url=settings.seal_url, timeout=10) as platform,
    ):
        shelf, keep = Shelf(settings.exports("monitoring"), None), timedelta(days=settings.export_days)
        office = Office(database, settings.database_url, EXPORTS, shelf, clock, keep, settings.mark)
        activities = MonitoringActivities(database, surroundings, _sealing(settings, platform, clock))
        await side_by_side(
            consume(database, settings.database_url, settings.kafka, subscription(surroundings, settings.topic_prefix)),
            relay(database, settings.database_url, KafkaSender(settings.kafka, settings.topic_prefix)),
            relay(database, settings.database_url, TemporalSender(temporal)),
            serve_activities(temporal, TASK_QUEUE, activities.all()),
            watch_dead_letters(database, clock),
            watch(database, clock, FIGURES),
            serve_exports(office),
            keep_in_time(_keeping(settings, database, clock)),
            serve_seals(database, clock, AUDITED, MonitoringAuditSealed),
            watch_calendar(database, clock, notices, cases_behind, tell_calendar),
        )


def _sealing(settings: MonitoringSettings, platform: httpx.AsyncClient, clock: Clock) -> Sealing:
    return Sealing(
        folders={Document.LIST: settings.documents, Document.NOTICE: settings.notices},
        issuer=settings.issuer,
        renderer=Renderer(settings.font_dir, settings.mark),
        platform=EmbeddedSealPlatform(platform, settings.secret("seal.hmac"), clock),
        callback_url=f"{settings.own_url}/seal-callbacks",
        seal_code=settings.seal_code,
    )


def _keeping(settings: MonitoringSettings, database: Database, clock: Clock) -> Keeping:
    shelf = Shelf(settings.evidence, FieldCipher(RingFile(settings.secrets_dir / "field.keys")))
    return Keeping(database, clock, shelf, settings.brought_days, retention.due, retention.end_keeping, retention.live)


if __name__ == "__main__":
    run(main())

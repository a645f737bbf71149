"""Wiring of approval's other process: units and freezes in, events out, workflows started and told, and what they ask answered."""

from dataclasses import replace
from datetime import timedelta

import httpx

from services.approval import consumers
from services.approval.activities import ApprovalActivities
from services.approval.commands import retention
from services.approval.commands.calendars import tell_calendar
from services.approval.models.audited import AUDITED
from services.approval.queries.calendars import cases_behind
from services.approval.queries.exports import EXPORTS
from services.approval.queries.figures import FIGURES
from services.approval.queries.notices import RosterReader
from services.approval.settings import ApprovalSettings
from shared import db, outbox, process, telemetry, temporal
from shared.audit.commands import serve_seals
from shared.auth import ServiceToken
from shared.calendars import watch_calendar
from shared.clock import Clock
from shared.consumer import Subscription
from shared.crypto import FieldCipher, RingFile
from shared.documents import Renderer
from shared.events.audit import ApprovalAuditSealed
from shared.exports.retention import Keeping, keep_in_time
from shared.exports.running import Office, serve_exports
from shared.exports.shelf import Shelf
from shared.kafka import KafkaSender
from shared.law.notices import Notices
from shared.listening import consume
from shared.seal import EmbeddedSealPlatform
from shared.temporal import TemporalSender
from shared.traces import carry
from shared.watching import tell_disks, watch
from workflows.approval_messages import TASK_QUEUE


async def main() -> None:
    """Run until told to stop."""
    settings = ApprovalSettings()
    telemetry.set_up("approval-worker", settings.otlp)
    tell_disks(settings.folders)
    subscription = Subscription("approval", consumers.TOPICS, consumers.handlers(), settings.topic_prefix)
    client = await temporal.connect(
        settings.temporal, settings.temporal_namespace, bytes.fromhex(settings.secret("payload.key")), lazy=True, otlp=settings.otlp
    )
    async with (
        db.connect(settings.database_url, "approval") as database,
        httpx.AsyncClient(base_url=settings.roster_url, timeout=10, trust_env=False, event_hooks={"request": [carry]}) as roster,
        httpx.AsyncClient(base_url=settings.seal_url, timeout=10, trust_env=False) as platform,
    ):
        shelf, keep = Shelf(settings.exports("approval"), None), timedelta(days=settings.export_days)
        reader = _reader(settings, roster)
        exports = replace(EXPORTS, words=lambda _: reader.code_words())
        office = Office(database, settings.database_url, exports, shelf, Clock(settings.clock_file), keep, settings.mark)
        activities = _activities(settings, database, reader, platform)
        await process.side_by_side(
            consume(database, settings.database_url, settings.kafka, subscription),
            outbox.relay(database, settings.database_url, KafkaSender(settings.kafka, settings.topic_prefix)),
            outbox.relay(database, settings.database_url, TemporalSender(client)),
            temporal.serve_activities(client, TASK_QUEUE, activities.all()),
            serve_exports(office),
            keep_in_time(_keeping(settings, database)),
            serve_seals(database, Clock(settings.clock_file), AUDITED, ApprovalAuditSealed),
            watch(database, Clock(settings.clock_file), FIGURES),
            watch_calendar(database, Clock(settings.clock_file), Notices(settings.calendar_folder), cases_behind, tell_calendar),
        )


def _keeping(settings: ApprovalSettings, database: db.Database) -> Keeping:
    shelf = Shelf(settings.attachments, FieldCipher(RingFile(settings.secrets_dir / "field.keys")))
    how = retention.due, retention.end_keeping, retention.live
    return Keeping(database, Clock(settings.clock_file), shelf, settings.brought_days, *how)


def _reader(settings: ApprovalSettings, roster: httpx.AsyncClient) -> RosterReader:
    token = ServiceToken("approval", settings.secrets_dir, production=settings.environment == "production")
    return RosterReader(roster, lambda: token.at(Clock(None).now()))


def _activities(settings: ApprovalSettings, database: db.Database, reader: RosterReader, platform: httpx.AsyncClient) -> ApprovalActivities:
    return ApprovalActivities(
        database=database,
        folder=settings.documents,
        issuer=settings.issuer,
        renderer=Renderer(settings.font_dir, settings.mark),
        roster=reader,
        platform=EmbeddedSealPlatform(platform, settings.secret("seal.hmac"), Clock(settings.clock_file)),
        callback_url=f"{settings.callback_url}/seal-callbacks",
        seal_code=settings.seal_code,
        demo_seal=settings.demo_seal,
    )


if __name__ == "__main__":
    process.run(main())

"""Wiring of the roster's other process: the relays of its outbox to Kafka and Temporal, and its answers to workflows. It listens to no topic."""

import asyncio
from datetime import timedelta
from functools import partial

from services.roster.activities import RosterActivities
from services.roster.activities.comparisons import ComparisonActivities
from services.roster.activities.imports import ImportActivities
from services.roster.commands.comparisons import forget_lost_files
from services.roster.commands.imports import forget_overdue, serve_upkeep
from services.roster.commands.keys import opens
from services.roster.commands.spellings import write_missing_spellings
from services.roster.commands.untold_seats import tell_untold_seats
from services.roster.models.audited import AUDITED
from services.roster.queries.exports import EXPORTS
from services.roster.settings import RosterSettings
from shared import db, outbox, process, telemetry, temporal
from shared.audit.commands import serve_seals
from shared.clock import Clock
from shared.crypto import FieldCipher, RingFile
from shared.events.audit import RosterAuditSealed
from shared.exports.running import Office, serve_exports
from shared.exports.shelf import Shelf
from shared.kafka import KafkaSender
from shared.known_keys import KnownKeys
from shared.law.notices import Notices
from shared.settings import StackSettings
from shared.sheets.reading import OPEN_AT_ONCE
from shared.temporal import TemporalSender
from shared.watching import tell_disks, watch
from workflows.roster import TASK_QUEUE


async def main() -> None:
    """Run until told to stop."""
    stack, settings = StackSettings(), RosterSettings()
    telemetry.set_up("roster-worker", stack.otlp)
    tell_disks(stack.folders)
    payload_key = bytes.fromhex(stack.secret("payload.key"))
    async with db.connect(settings.database_url, "roster") as database:
        client = await temporal.connect(stack.temporal, stack.temporal_namespace, payload_key, lazy=True, otlp=stack.otlp)
        clock = Clock(stack.clock_file)
        activities = RosterActivities(database, clock, Notices(stack.calendar_folder).calendar)
        cipher = FieldCipher(RingFile(stack.secrets_dir / "field.keys"))
        await KnownKeys(database, cipher, "field.keys", opens).ensure()
        opening = asyncio.Semaphore(OPEN_AT_ONCE)
        imports, comparisons = ImportActivities(database, cipher, clock, opening), ComparisonActivities(database, cipher, clock, opening)
        shelf, keep = Shelf(stack.exports("roster"), cipher), timedelta(days=stack.export_days)
        kept = timedelta(days=settings.import_keep_days)
        office = Office(database, settings.database_url, EXPORTS, shelf, clock, keep, stack.mark)
        await process.side_by_side(
            outbox.relay(database, settings.database_url, KafkaSender(stack.kafka, stack.topic_prefix)),
            outbox.relay(database, settings.database_url, TemporalSender(client)),
            temporal.serve_activities(client, TASK_QUEUE, [*activities.all(), *imports.all(), *comparisons.all()]),
            serve_exports(office),
            serve_upkeep(
                partial(write_missing_spellings, database),
                partial(tell_untold_seats, database, clock),
                partial(forget_overdue, database, clock),
                partial(forget_lost_files, database, clock, kept),
            ),
            watch(database, clock),
            serve_seals(database, clock, AUDITED, RosterAuditSealed),
        )


if __name__ == "__main__":
    process.run(main())

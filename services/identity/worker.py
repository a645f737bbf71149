"""Wiring of the other process: unit copies in, events and lists out."""

from datetime import timedelta

from services.identity import consumers
from services.identity.commands.sessions import serve_sweeps
from services.identity.models.audited import AUDITED
from services.identity.queries.exports import EXPORTS
from services.identity.settings import IdentitySettings
from shared import db, telemetry
from shared.audit.commands import serve_seals
from shared.clock import Clock
from shared.consumer import Subscription
from shared.crypto import FieldCipher, RingFile
from shared.events.audit import IdentityAuditSealed
from shared.exports.running import Office, serve_exports
from shared.exports.shelf import Shelf
from shared.kafka import KafkaSender
from shared.listening import consume
from shared.outbox import relay
from shared.process import run, side_by_side
from shared.watching import tell_disks, watch


async def main() -> None:
    """The loops of the process."""
    settings = IdentitySettings()
    telemetry.set_up("identity-worker", settings.otlp)
    tell_disks(settings.folders)
    subscription = Subscription("identity", consumers.TOPICS, consumers.handlers(), settings.topic_prefix)
    async with db.connect(settings.database_url, "identity") as database:
        clock, keep = Clock(settings.clock_file), timedelta(days=settings.export_days)
        shelf = Shelf(settings.exports("identity"), FieldCipher(RingFile(settings.secrets_dir / "account.keys")))
        office = Office(database, settings.database_url, EXPORTS, shelf, clock, keep, settings.mark)
        await side_by_side(
            consume(database, settings.database_url, settings.kafka, subscription),
            serve_seals(database, clock, AUDITED, IdentityAuditSealed),
            watch(database, clock),
            serve_exports(office),
            serve_sweeps(database),
            relay(database, settings.database_url, KafkaSender(settings.kafka, settings.topic_prefix)),
        )


if __name__ == "__main__":
    run(main())

"""What each publisher tells the others: one file per publisher, one catalogue of all."""

from shared.events import approval, audit, identity, monitoring, roster
from shared.events.envelope import Catalogue

CATALOGUE = Catalogue((*roster.EVENTS, *approval.EVENTS, *monitoring.EVENTS, *identity.EVENTS, *audit.EVENTS))
TOPICS = ("roster.events", "approval.events", "monitoring.events", "identity.events")

"""实名制 (the roster): owns units, quotas, seats, persons, placements, reservations, claims and the freezes in force."""

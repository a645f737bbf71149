"""How long one try of an activity may last, and how it is tried again. A try whose worker died is only missed when its time is up.

Every activity is harmless when repeated (its command knows its key), so a try that was merely slow costs nothing: the next one finds the answer.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy

TRANSACTION = timedelta(seconds=5)
"""One command: a transaction of milliseconds, that waits for a lock five seconds at most."""
PAPER = timedelta(seconds=30)
"""Writing, preparing or sealing a document; a freeze with all the units below it."""
PULSE = timedelta(seconds=30)
"""A long run over many units tells that it is alive, unit by unit."""
AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=15))

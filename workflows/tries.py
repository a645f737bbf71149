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
ASK_AGAIN = timedelta(minutes=5)
"""How long the seal platform is left in peace at most, while it has not answered."""
AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=15))


def until_asked(times: int) -> timedelta:
    """How long a platform that was asked so often without an answer is left in peace: half a minute first, for the answer may only have been lost."""
    return min(timedelta(seconds=30 << min(times - 1, 4)), ASK_AGAIN)

"""The machinery that takes guards out, on one that is quickly tried; all of them: `make mutations`."""

import pytest

from tests.mutations import __main__ as mutations
from tests.mutations.guards import GUARDS, Guard

QUICK = "a store that cannot now is answered with 503"


def test_the_absence_of_a_guard_is_noticed_and_one_that_nobody_notices_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (quick,) = (each for each in GUARDS if each.name == QUICK)
    harmless = Guard("harmless", quick.file, quick.old, f"{quick.old}  # as before", quick.tests)
    monkeypatch.setattr(mutations, "GUARDS", (quick, harmless))

    assert mutations.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        f"noticed    {QUICK}",
        f"  passes all the same: {quick.tests[0]}",
        "UNNOTICED  harmless",
        "1 of 2 guards: their absence was noticed",
    ]

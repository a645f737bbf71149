"""`python -m deploy.chaos.older_workflows`: a workflow worker as an older build would be, which knows none of today's patches.

A case that it begins takes the oldest way at every patch, and is carried on by today's build. A case that today's build has begun it cannot replay:
it fails that task, and the case waits for today's build (docs/decisions/0072). What the code did that was never behind a patch it cannot show.
"""

from temporalio import workflow

from shared.process import run
from workflows.worker import main


def unpatched(_: str, **__: object) -> bool:
    """What `workflow.patched` says in a build in which the patch did not stand yet."""
    return False


if __name__ == "__main__":
    workflow.patched = unpatched  # type: ignore[assignment]  # the name of its parameter
    run(main())

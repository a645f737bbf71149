"""When a run ends and the next one goes on: before its history is too long for the server, which ends a run at 51 200 events."""

from temporalio import workflow


def is_to_continue(patch: str) -> bool:
    """Whether this run should end and the next one go on, in a workflow that learned it by a patch.

    The SDK remembers what it answered to one name for a whole run. So the name is another at each turn: a run that was long before the patch,
    and is replayed up to here, goes on as new at the first turn that is not a replay.
    """
    info = workflow.info()
    return info.is_continue_as_new_suggested() and workflow.patched(f"{patch}-{info.get_current_history_length()}")

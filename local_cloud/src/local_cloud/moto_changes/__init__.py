"""Changes to a pinned version of moto.

moto answers the API calls of AWS but executes little, keeps data only in memory, and is slow with much data. With the
changes, functions run, events reach their targets, training jobs train, writes are recorded, old data is deleted, and
large tables stay fast. The docstring of a change describes moto without it. A test compares the parts of moto that
the changes rely on with stored fingerprints, and fails if one differs.
"""

from typing import Final

from local_cloud.moto_changes import (
    invocations,
    jobs,
    metrics,
    recording,
    retention,
    stacks,
    state_machines,
    stores,
    tables,
)
from local_cloud.moto_changes.change import Change, Runtime

CHANGES: Final[tuple[Change, ...]] = (
    *recording.CHANGES,  # First, because the locks of later changes must also cover the recording.
    *invocations.CHANGES,
    *stores.CHANGES,
    *metrics.CHANGES,
    *tables.CHANGES,
    *state_machines.CHANGES,
    *jobs.CHANGES,
    *stacks.CHANGES,
    *retention.CHANGES,
)


def change_moto(runtime: Runtime) -> None:
    """Apply all changes to moto in this process. They cannot be undone."""
    for change in CHANGES:
        change(runtime)

"""Changes to moto. They require a pinned version of moto.

moto answers the API calls of AWS but executes little. The changes execute what moto stores: functions run, events reach
their targets, and training jobs train. `CHANGES` contains each part of moto that a change relies on. A canary test
stores a fingerprint of each part, and fails if another version of moto changes the part.
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
from local_cloud.moto_changes.change import MotoChange, Runtime

CHANGES: Final[tuple[MotoChange, ...]] = (
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
        change.apply(runtime)

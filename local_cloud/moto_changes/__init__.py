"""Every change that is made to moto, which is pinned for this: why, what it touches, how.

moto answers the API calls of AWS faithfully and runs next to nothing. The changes let what it stores happen: functions
run, events reach their targets, training jobs train. `CHANGES` names each piece of moto that a change relies on; a
canary test knows the fingerprint of that piece and fails when another version of moto brings another one.
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
    *recording.CHANGES,  # first: the locks that later changes put around writes hold for the recording too
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
    """Apply every change to moto in this process; there is no way back."""
    for change in CHANGES:
        change.apply(runtime)

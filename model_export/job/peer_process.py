"""Follower process, which only helps the first process to train networks.

See `model_export.processes.peers`.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from model_export.processes import peers


def main(place: peers.Place) -> int:
    """Follow until the first process ends, and return the exit status.

    Errors are only logged, because the first process writes the failure reason of the job.
    """
    from model_export.algorithms.sasrec.training import follow  # imported here, because torch is optional

    try:
        with peers.joined(place):
            follow()
    except Exception:  # noqa: BLE001  the first process must report the failure of the job
        sys.stderr.write(f"process {place.rank} of {place.size} ends: {traceback.format_exc()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(peers.place(os.environ, Path())))

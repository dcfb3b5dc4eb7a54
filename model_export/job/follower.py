"""A process that trains what the first one says (`model_export.processes.peers`), and does nothing else."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from model_export.processes import peers


def main(place: peers.Place) -> int:
    """Follow until the first process ends; return the exit status.

    The error goes only to the log: the first process leaves the reason where SageMaker looks for it.
    """
    from model_export.algorithms.sasrec.training import follow  # torch is an extra

    try:
        with peers.joined(place):
            follow()
    except Exception:  # noqa: BLE001  whatever it is, the first process must be left to say what ended the job
        sys.stderr.write(f"process {place.rank} of {place.size} ends: {traceback.format_exc()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(peers.place(os.environ, Path())))

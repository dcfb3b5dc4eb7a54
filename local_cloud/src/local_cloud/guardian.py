"""Guardian process that kills a cloud's child processes if the cloud is killed. It is run by file name.

It reads lines `+<process group>` and `-<process group>` from standard input. When standard input ends, because the
cloud was stopped or killed, the guardian kills all remaining groups and removes the directory in its argument. This
works on Linux and macOS. In contrast, PR_SET_PDEATHSIG works only on Linux, and has its effect when the *thread* that
started a process ends.
"""

import contextlib
import os
import shutil
import signal
import sys


def main(directory: str) -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])

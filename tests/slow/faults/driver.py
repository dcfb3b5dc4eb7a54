"""Driver that runs a handler in a new process per event, so that tests can kill the process: `driver.py FUNCTION`.

The driver imports the handler once and forks a process for each line on standard input. A line has an event and the
path for the response. The driver prints the ID of the forked process, then the exit status. Logs go to standard error.
Pauses of the handler take no time. The response contains the total duration of the pauses.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Context:
    function_name = "faults"
    function_version = "1"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:faults"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return more time than any handler needs."""
        return 60_000


def main() -> None:
    with os.fdopen(os.dup(1), "w", buffering=1) as replies:
        os.dup2(2, 1)  # redirects the handler's logs to standard error
        handler = importlib.import_module(f"functions.{sys.argv[1]}.handler").lambda_handler
        for line in sys.stdin:
            request = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _run(handler, request["event"], Path(request["answer"]))
            replies.write(f"{pid}\n")
            replies.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")


def _run(handler: Callable[[Any, Context], Any], event: Any, place: Path) -> None:
    paused = 0.0

    def pause(seconds: float, /) -> None:
        nonlocal paused
        paused += seconds

    time.sleep = pause  # type: ignore[assignment]
    status = 1
    try:
        answer = handler(event, Context())
        place.write_text(json.dumps({"paused_s": paused, "answer": answer}), encoding="utf-8")
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()

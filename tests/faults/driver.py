"""Runs a handler in a process of its own, as Lambda does, so that it can be killed: `driver.py MODULE < event`.

Prints the answer on the last line. With FAKE_CLOCK set, pauses take no time: they are added up and printed before it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time


class Context:
    """What Lambda tells a handler about the call."""

    function_name = "faults"
    function_version = "1"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:faults"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return plenty."""
        return 60_000


def main() -> None:
    """Run the handler named on the command line with the event on standard input."""
    paused = 0.0
    if os.environ.get("FAKE_CLOCK"):

        def pause(seconds: float, /) -> None:
            nonlocal paused
            paused += seconds

        time.sleep = pause  # type: ignore[assignment]
    handler = importlib.import_module(f"functions.{sys.argv[1]}.handler").lambda_handler
    answer = handler(json.load(sys.stdin), Context())
    sys.stdout.write(f"\n{json.dumps({'paused_s': paused, 'answer': answer})}\n")


if __name__ == "__main__":
    main()

"""Handler that fails in a different way for each `kind` of event."""

import os
import sys
import time
from typing import Any

from deliveries import note  # type: ignore[import-not-found]


def fail(event: dict[str, Any], context: Any) -> Any:
    kind = event["kind"]
    print(f"about to {kind}")
    if kind == "raise":
        raise ValueError("as asked")
    if kind == "sleep":
        time.sleep(60)
    if kind == "exit":
        os._exit(3)
    if kind == "hog":
        hoard = bytearray(os.urandom(1024)) * (300 * 1024)
        time.sleep(60)
        return len(hoard)
    if kind == "count":
        note("fail", event)
        raise ValueError("counted")
    if kind == "metric":
        sys.stdout.write(event["line"] + "\n")
    return {"kind": kind, "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis()}

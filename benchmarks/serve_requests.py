"""`python -m benchmarks.serve_requests 200`: processor time and memory of `recommend` for 200 requests.

The process imports only modules that the function imports, because it reports heavy modules.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from benchmarks.lambda_call import CONTEXT
from functions.recommend import handler

HEAVY = {"pandas", "pyarrow", "pydantic"}
USERS = 20


def main(requests: int) -> None:
    for number in range(requests):
        body = json.dumps({"userId": f"user{number % USERS}"})
        answer = handler.lambda_handler({"routeKey": "POST /recommendations", "body": body}, CONTEXT)
        headers = answer.get("headers", {})
        if headers.get("x-alsolike-source") != "model" or "x-alsolike-degraded" in headers:
            raise SystemExit(f"expected an answer of the model, found {answer}")
    figures = {
        "took_ms": time.process_time() * 1000,
        "memory_mb": _megabytes("Pss", "smaps_rollup"),
        "peak_mb": _megabytes("VmHWM", "status"),
        "heavy": sorted(HEAVY.intersection(sys.modules)),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _megabytes(name: str, file: str) -> float:
    (kilobytes,) = re.findall(rf"^{name}:\s+(\d+) kB", (Path("/proc/self") / file).read_text(), re.MULTILINE)
    return int(kilobytes) * 1024 / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]))

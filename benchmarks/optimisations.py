"""`python -m benchmarks optimisations`: the product with and without each optimisation of a start, request or batch.

In this table the floor is the product as it is, and the measured work is the product without the optimisation. A ratio
of 1.1 means that the work would take 10% more processor time without it.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from alsolike.lake import record_columns
from benchmarks.ingestion import kinesis_event
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.starting import FEW, deployed, simulated_aws
from benchmarks.synthetic_models import rows_model
from benchmarks.transport import use_memory_transport

ROUNDS = 9
REQUESTS = 100
ATTEMPTS = 5
BATCHES = (100, 10_000)
"""Records per batch of a quiet and of a busy shop."""

WITHOUT = {
    "the fast loader of service descriptions": """
import alsolike.runtime.aws as aws
from botocore.loaders import JSONFileLoader, Loader
aws._FastLoader, aws._FastReader = Loader, JSONFileLoader
""",
    "the stopped garbage collector": """
import gc
gc.disable = gc.freeze = lambda: None
""",
    "struct (frozen dataclasses instead)": """
import dataclasses
import alsolike.runtime.struct as module
module.struct = dataclasses.dataclass(frozen=True, slots=True)
""",
    "reading items with orjson": """
import alsolike.runtime.aws as aws
aws._parse_items = lambda **_: None
""",
}
"""Python code that undoes an optimisation of `recommend` before its modules are imported, by optimisation."""

_SERVE = "import sys; from benchmarks.serve_requests import main; main(int(sys.argv[1]))"


def optimisations() -> Iterator[Result]:
    """Measure the start of `recommend`, its later requests, and batches of events."""
    yield from _starts_and_requests()
    yield from _batches()


def _starts_and_requests() -> Iterator[Result]:
    with simulated_aws() as aws, tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        environment = deployed(rows_model(items=FEW, targets=100), Path(name), aws, two_stages=None)
        codes = {"": _SERVE, **{optimisation: code + _SERVE for optimisation, code in WITHOUT.items()}}
        first: dict[str, list[float]] = {optimisation: [] for optimisation in codes}
        later: dict[str, list[float]] = {optimisation: [] for optimisation in codes}
        order = random.Random(1)
        for _ in range(ROUNDS):
            # In random order, because each process changes the caches for the next one.
            for optimisation in order.sample(list(codes), len(codes)):
                code = codes[optimisation]
                start_ms = _took_ms(code, 1, environment)
                first[optimisation].append(start_ms)
                later[optimisation].append((_took_ms(code, 1 + REQUESTS, environment) - start_ms) / REQUESTS)
    for label, times in (("first response", first), ("later response", later)):
        medians = {optimisation: statistics.median(values) for optimisation, values in times.items()}
        for optimisation in WITHOUT:
            yield _without(f"{label}, without {optimisation}", medians[optimisation], medians[""])


def _took_ms(code: str, requests: int, environment: Mapping[str, str]) -> float:
    """Return the processor time of a process. On a busy machine a read can time out: the process then runs again."""
    error = ""
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [sys.executable, "-c", code, str(requests)], env=dict(environment), capture_output=True, check=False
        )
        if done.returncode == 0:
            took_ms: float = orjson.loads(done.stdout.splitlines()[-1])["took_ms"]
            return took_ms
        error = done.stderr.decode()[-2000:]
    raise RuntimeError(f"recommend failed {ATTEMPTS} times:\n{error}")


def _batches() -> Iterator[Result]:
    """Measure `archive_events` with whole columns, and with `parse_record` for each record."""
    use_memory_transport()
    from functions.archive_events.handler import lambda_handler

    plain = record_columns.plain_columns

    def per_record(event: Mapping[str, Any]) -> None:
        record_columns.plain_columns = lambda *_: None
        try:
            lambda_handler(event, CONTEXT)
        finally:
            record_columns.plain_columns = plain

    for size in BATCHES:
        event = kinesis_event(size, profiles=2_000)
        with quiet():
            medians = cpu_medians_ms(
                {"product": partial(lambda_handler, event, CONTEXT), "records": partial(per_record, event)},
                repeats=max(BATCHES) // size // 10 or 1,
            )
        yield _without(
            f"archived batch of {size:,} records, without whole columns", medians["records"], medians["product"]
        )


def _without(work: str, ms: float, product_ms: float) -> Result:
    return Result("optimisations", work, ms, "the product", product_ms)

"""`python -m benchmarks optimisations`: the product with and without optimisations of starts, requests and writes.

In this table, the floor is the product, and the measured work is the product without an optimisation. A ratio of 1.1
means that the work takes 10% more processor time without the optimisation. The row on validated writes compares writes
without the fast encoding.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from botocore.config import Config

from alsolike.profiles.profile import RecentInteraction, to_item
from alsolike.runtime import aws
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.starting import FEW, deployed, simulated_aws
from benchmarks.synthetic_models import rows_model
from benchmarks.transport import TABLE, use_memory_transport

ROUNDS = 9
REQUESTS = 100
ATTEMPTS = 5
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

COMMAND = """
import cli.main
cli.main.raise_collector_thresholds()
from operations.client.aws import session_clients
client = session_clients(region="eu-west-1")
for service in ("ssm", "s3", "dynamodb"):
    client(service)
import json, time
print(json.dumps({"took_ms": time.process_time() * 1000}))
"""
_SERVE = "import sys; from benchmarks.serve_requests import main; main(int(sys.argv[1]))"


def optimisations() -> Iterator[Result]:
    yield from _starts_and_requests()
    yield from _commands()
    yield from _writes()


def _starts_and_requests() -> Iterator[Result]:
    with simulated_aws() as account, tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        environment = deployed(rows_model(items=FEW, targets=100), Path(name), account)
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
    """Return the processor time of a process. Repeat a failed process, because reads of a busy moto can time out."""
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


def _commands() -> Iterator[Result]:
    """Measure the start of a command with three clients."""
    loader = "the fast loader of service descriptions"
    codes = {"": COMMAND, loader: WITHOUT[loader] + COMMAND}
    times: dict[str, list[float]] = {optimisation: [] for optimisation in codes}
    for _ in range(ROUNDS):
        for optimisation, code in codes.items():
            times[optimisation].append(_took_ms(code, 0, os.environ))
    yield _without(f"command, without {loader}", statistics.median(times[loader]), statistics.median(times[""]))


def _writes() -> Iterator[Result]:
    use_memory_transport()
    profile = [RecentInteraction(1_790_000_000_000, f"{n:032x}", f"item{n}", "view") for n in range(25)]
    requests = [{"PutRequest": {"Item": to_item("u#user1", each, expires_s=1)}} for each in profile]
    fast, plain, validating = (
        aws.session().create_client("dynamodb", config=Config(parameter_validation=validates))
        for validates in (False, False, True)
    )
    aws.write_batches_fast(fast)
    medians = cpu_medians_ms(
        {
            "product": lambda: fast.batch_write_item(RequestItems={TABLE: requests}),
            "plain": lambda: plain.batch_write_item(RequestItems={TABLE: requests}),
            "validating": lambda: validating.batch_write_item(RequestItems={TABLE: requests}),
        },
        repeats=20,
    )
    yield _without("25 writes, without the fast encoding", medians["plain"], medians["product"])
    yield Result("optimisations", "25 writes, validated", medians["validating"], "not validated", medians["plain"])


def _without(work: str, ms: float, product_ms: float) -> Result:
    return Result("optimisations", work, ms, "the product", product_ms)

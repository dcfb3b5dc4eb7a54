"""Cold start: a new process imports a handler and creates its clients, compared with bare libraries and clients."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measure import Result

ROUNDS = 9
ENVIRONMENT = {
    "STREAM_NAME": "events",
    "LAKE_BUCKET": "lake",
    "ARTEFACT_BUCKET": "artefacts",
    "SECRET_ARN": "the-key",
    "PROFILES_TABLE": "profiles",
    "CATALOGUE_TABLE": "catalogue",
    "MODEL_PACKAGE_GROUP": "recommender",
    "OPENBLAS_NUM_THREADS": "1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
}
_POWERTOOLS = "import orjson; from aws_lambda_powertools import Logger, Metrics; Logger(); Metrics()"
_CLIENTS = "import boto3; [boto3.client(service) for service in {services}]"
_OUR_CLIENTS = "from alsolike.runtime.aws import client; [client(service) for service in {services}]"

FUNCTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "collect": (("kinesis", "dynamodb"), ""),
    "update_profiles": (("dynamodb",), ""),
    "archive_events": (("s3",), "import awswrangler"),
    "build_dataset": (("s3", "dynamodb"), "import awswrangler"),
    "register_model": (("s3", "sagemaker"), "import numpy"),
}
"""Services of the clients, and import statement of heavy libraries, by function."""


def cold_start() -> Iterator[Result]:
    """Measure the processor time of complete processes, which includes the start of Python."""
    for name, (services, libraries) in FUNCTIONS.items():
        product = f"import functions.{name}.handler; {_OUR_CLIENTS.format(services=services)}"
        floor = f"{libraries or 'pass'}; {_POWERTOOLS}; {_CLIENTS.format(services=services)}"
        times: dict[str, list[float]] = {product: [], floor: []}
        for _ in range(ROUNDS):
            for code, values in times.items():
                values.append(_process_ms(code))
        yield Result(
            "cold_start",
            name,
            statistics.median(times[product]),
            " + ".join(filter(None, [libraries.removeprefix("import "), "powertools", "boto3 clients"])),
            statistics.median(times[floor]),
        )


def _process_ms(code: str) -> float:
    before = _children_s()
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **ENVIRONMENT}, check=True)
    return (_children_s() - before) * 1000


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

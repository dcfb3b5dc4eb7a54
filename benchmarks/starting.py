"""New processes of `recommend`: time to the first response, and memory after `REQUESTS` requests.

moto replaces AWS over HTTP. The measured processes run the product's code. The bundle is already on disk. Unlike in
Lambda layers, the bytecode is cached. A process prints its own processor time. It excludes the shutdown of Python,
because no client waits for the shutdown.
"""

from __future__ import annotations

import contextlib
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import orjson
from moto.server import ThreadedMotoServer

from alsolike.declarations.storage import CHAMPION_KEY
from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer import Promotion
from alsolike.registry.champion_pointer_store import model_prefix
from benchmarks.recommending import VERSION, write_model
from benchmarks.rows import Row
from benchmarks.serve_requests import USERS
from benchmarks.synthetic_models import rows_model, vectors_model
from benchmarks.synthetic_profiles import write_profiles
from model_export.api import Model

ROUNDS = 9
FEW, MANY = 20_000, 1_000_000

REQUESTS = 200

BUCKET = "artefacts"
REGION = "eu-west-1"
LIMIT_MB = 512

_IMPORTS = "import functions.recommend.handler"
_BARE = "import numpy, onnxruntime"
_PRINT_TIME = "; import time, json; print(json.dumps({'took_ms': time.process_time() * 1000}))"


def starting() -> Iterator[Row]:
    """Measure processor time to the first response, and memory after `REQUESTS` responses, including mapped files."""
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name, simulated_aws() as environment:
        models = {
            "few": (f"{FEW:,} items, item-to-item", rows_model(items=FEW, targets=100)),
            "many": (f"{MANY:,} items, item-to-item", rows_model(items=MANY, targets=100)),
            "vectors": (f"{MANY:,} items, vectors of 64", vectors_model(items=MANY, dimensions=64)),
        }
        environments = {work: deployed(model, Path(name) / work, environment) for work, (_, model) in models.items()}
        commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
            **{work: (_serve(1), environments[work]) for work in models},
            "imports": (["-c", _IMPORTS + _PRINT_TIME], environment),
            "bare": (["-c", _BARE + _PRINT_TIME], environment),
        }
        outputs = {work: _answers(_serve(REQUESTS), environments[work]) for work in models}
        times: dict[str, list[float]] = {work: [] for work in commands}
        for _ in range(ROUNDS):
            for work, command in commands.items():
                times[work].append(_answers(*command)["took_ms"])
    medians = {work: statistics.median(values) for work, values in times.items()}
    first = f"first answer, {models['few'][0]}"
    for work, floor_label, max_ratio in (
        ("imports", "importing the handler, which makes its clients", 1.1),
        ("bare", "importing numpy and onnxruntime", 3),
    ):
        yield Row.compared(first, medians["few"], floor_label, medians[work], max_ratio=max_ratio)
    for work in ("many", "vectors"):
        yield Row.compared(f"first answer, {models[work][0]}", medians[work], first, medians["few"], max_ratio=1.2)
    heavy = sorted({module for one in outputs.values() for module in one["heavy"]})
    yield Row("pandas, pyarrow, pydantic imported", ", ".join(heavy) or "none", target="none", met=not heavy)
    for work in ("many", "vectors"):
        label = f"after {REQUESTS} requests, {models[work][0]}"
        memory_mb, peak_mb = outputs[work]["memory_mb"], outputs[work]["peak_mb"]
        yield Row(f"peak resident set {label}", f"{peak_mb:.0f} MB", target=f"≤ {LIMIT_MB} MB", met=peak_mb <= LIMIT_MB)
        yield Row("of it in use at the end", f"{memory_mb:.0f} MB")


@contextlib.contextmanager
def simulated_aws() -> Iterator[dict[str, str]]:
    """Run moto with a champion and profiles. Yield the environment variables of functions."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "OPENBLAS_NUM_THREADS": "1",
        "ARTEFACT_BUCKET": BUCKET,
        "PROFILES_TABLE": "profiles",
        "USERS_TABLE": "users",
        "SECRET_ARN": "secret",
        "TIME_BUDGET_MS": "0",
    }
    session = boto3.Session("bench", "bench", region_name=REGION)
    s3, dynamodb, secrets = (
        session.client(service, endpoint_url=f"http://{host}:{port}")
        for service in ("s3", "dynamodb", "secretsmanager")
    )
    secrets.create_secret(Name="secret", SecretString="k" * 64)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    champion = {"history": [Promotion(VERSION, 0, "made up")]}
    s3.put_object(Bucket=BUCKET, Key=CHAMPION_KEY, Body=orjson.dumps(champion))
    dynamodb.create_table(
        TableName="profiles",
        KeySchema=[
            {"AttributeName": PROFILES_PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": PROFILES_SORT_KEY, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in (PROFILES_PARTITION_KEY, PROFILES_SORT_KEY)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    write_profiles(ProfileStore(dynamodb, "profiles"), users=USERS, items=FEW)
    try:
        yield environment
    finally:
        server.stop()


def deployed(model: Model, scratch: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Write the bundle to the folder of downloaded bundles, and return environment variables that select it."""
    directory = scratch / model_prefix(VERSION)
    directory.mkdir(parents=True)
    write_model(model, directory)
    return {**environment, "TMPDIR": str(scratch)}


def _serve(requests: int) -> list[str]:
    return ["-m", "benchmarks.serve_requests", str(requests)]


def _answers(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(_run(arguments, environment).splitlines()[-1])
    return document


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> bytes:
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr.decode()[-2000:]}")
    return done.stdout

"""A moto server behind the proxy, and handlers that run in processes of their own against it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.fakes.places import REGION, create_bucket, create_table
from tests.faults.proxy import Call, FaultProxy, Plan

ROOT = Path(__file__).parents[2]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}

HASH_KEY = "a key of at least thirty-two bytes"
BUCKETS = {"LAKE_BUCKET": "lake-bucket", "ARTEFACT_BUCKET": "artefact-bucket", "SECRET_ARN": "the-key"}
TABLES = {
    "PROFILES_TABLE": ("profiles", "profile_id"),
    "CATALOGUE_TABLE": ("catalogue", "item_id"),
    "USERS_TABLE": ("users", "user_id"),
}

KillPlan: TypeAlias = Callable[[Callable[[], None]], Plan]


class Killed(Exception):
    """The handler's process was killed before it answered."""


@dataclasses.dataclass(frozen=True)
class Done:
    """What a handler answered, and how long it would have waited."""

    answer: Any
    paused_s: float


class Shop:
    """The stores of a deployment, and its handlers."""

    def __init__(self, endpoint: str, proxy: FaultProxy) -> None:
        self._endpoint = endpoint
        self.proxy = proxy
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self.s3, self.dynamodb, self.kinesis, self.secrets = (
            session.client(service, endpoint_url=endpoint)
            for service in ("s3", "dynamodb", "kinesis", "secretsmanager")
        )
        self.environment: dict[str, str] = {}

    def reset(self) -> None:
        """Empty every store."""
        self.proxy.begin(Plan())
        urllib.request.urlopen(urllib.request.Request(f"{self._endpoint}/moto-api/reset", method="POST")).close()
        for bucket in BUCKETS.values():
            create_bucket(self.s3, bucket)
        for table, key in TABLES.values():
            create_table(self.dynamodb, table, key=key)
        self.kinesis.create_stream(StreamName="events", ShardCount=1)
        secret = self.secrets.create_secret(Name="hash-key", SecretString=HASH_KEY)
        self.environment = {**_environment(self.proxy.url), "SECRET_ARN": secret["ARN"]}

    def run(self, function: str, event: Mapping[str, Any], *, plan: Plan | KillPlan | None = None) -> Done:
        """Run a handler as `plan` says; one that kills is given how.

        Raises
        ------
        Killed
            If the process ended without an answer.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver", function],
            cwd=ROOT,
            env={**os.environ, **CREDENTIALS, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.proxy.begin(plan(process.kill) if callable(plan) else plan or Plan())  # before it can have called
        out, error = process.communicate(json.dumps(event), timeout=120)
        if process.returncode == -9:
            raise Killed
        assert process.returncode == 0, error[-2000:]
        document = json.loads(out.rstrip().rpartition("\n")[2])
        return Done(document["answer"], document["paused_s"])

    def killed_everywhere(
        self, function: str, event: Mapping[str, Any], *, state: Callable[[Shop], Any], before: Callable[[], None]
    ) -> None:
        """Kill a handler before and after each of its calls, give it the event again, and compare what is left.

        Parameters
        ----------
        before
            Brings the empty stores to where the handler begins.
        """
        self.reset()
        before()
        self.run(function, event)
        calls, undisturbed = list(self.proxy.calls), state(self)
        assert calls
        for number, call in enumerate(calls, start=1):
            for effective in (False, True):
                self.reset()
                before()
                with pytest.raises(Killed):
                    self.run(function, event, plan=killed_at(number, effective=effective))
                self.run(function, event)
                moment = "after" if effective else "before"
                assert state(self) == undisturbed, f"killed {moment} call {number} of {len(calls)}: {call}"

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {entry["Key"]: self.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in listed}

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.dynamodb.scan(TableName=table)["Items"])


def _environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core/python'}",
        "FAKE_CLOCK": "1",
        "STREAM_NAME": "events",
        "MAX_SNAPSHOT_MB": "100",
        "TRACKING_ID": "alsolike-test",
        "ITEMS_DATASET_ARN": f"arn:aws:personalize:{REGION}:123456789012:dataset/alsolike-test/ITEMS",
        "USERS_DATASET_ARN": f"arn:aws:personalize:{REGION}:123456789012:dataset/alsolike-test/USERS",
        **BUCKETS,
        **{variable: table for variable, (table, _) in TABLES.items()},
    }


def killed_at(number: int, *, effective: bool) -> KillPlan:
    """Return a plan that kills the process at its call `number`, before or after the call has taken effect."""

    def plan(kill: Callable[[], None]) -> Plan:
        def strike(found: int, call: Call) -> None:
            if found == number:
                kill()

        return Plan(after=strike) if effective else Plan(before=strike)

    return plan


@pytest.fixture(scope="session")
def _shop() -> Iterator[Shop]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = FaultProxy(f"{host}:{port}")
    yield Shop(f"http://{host}:{port}", proxy)
    proxy.close()
    server.stop()


@pytest.fixture
def shop(_shop: Shop) -> Shop:
    _shop.reset()
    return _shop

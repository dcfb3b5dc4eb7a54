"""Stores of a deployment behind the proxy, and handlers that use them in their own processes."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, TypeAlias

import boto3
import pytest

from tests.fakes.places import REGION, create_bucket, create_profiles_table, create_table
from tests.slow.faults.proxy import Call, FaultProxy, Plan

ROOT = Path(__file__).parents[3]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}

SECRET = "hash-key"
HASH_KEY = "a key of at least thirty-two bytes"
BUCKETS = {"LAKE_BUCKET": "lake-bucket", "ARTEFACT_BUCKET": "artefact-bucket"}
PROFILES_TABLE = "profiles"
TABLES = {
    "CATALOGUE_TABLE": ("catalogue", "item_id"),
    "USERS_TABLE": ("users", "user_id"),
}

KillPlan: TypeAlias = Callable[[Callable[[], None]], Plan]


class Killed(Exception):
    """The handler's process was killed before its response."""


@dataclasses.dataclass(frozen=True)
class Done:
    answer: Any
    paused_s: float


class Driver:
    """Process that runs one function's handler in a new fork for each event."""

    def __init__(self, function: str, *, url: str, directory: Path) -> None:
        self._answer = directory / f"{function}.json"
        self._log = directory / f"{function}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.slow.faults.driver", function],
                cwd=ROOT,
                env={**os.environ, **CREDENTIALS, **_environment(url)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def run(self, event: Mapping[str, Any], begin: Callable[[Callable[[], None]], None]) -> Done:
        """Run the handler. Before the handler starts, `begin` receives a function that kills the handler's process."""
        pid: Future[int] = Future()
        begin(lambda: os.kill(pid.result(timeout=60), signal.SIGKILL))
        stdin, stdout = self._pipes()
        stdin.write(json.dumps({"event": event, "answer": str(self._answer)}) + "\n")
        stdin.flush()
        pid.set_result(int(stdout.readline()))
        status = int(stdout.readline())
        if status == -signal.SIGKILL:
            raise Killed
        assert status == 0, self._log.read_text()[-2000:]
        document = json.loads(self._answer.read_text(encoding="utf-8"))
        return Done(document["answer"], document["paused_s"])

    def close(self) -> None:
        stdin, stdout = self._pipes()
        stdin.close()
        self._process.wait(60)
        stdout.close()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


class Stores:
    def __init__(self, endpoint: str, proxy: FaultProxy, directory: Path) -> None:
        self._endpoint = endpoint
        self._directory = directory
        self._drivers: dict[str, Driver] = {}
        self.proxy = proxy
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self.s3, self.dynamodb, self.kinesis, self.secrets = (
            session.client(service, endpoint_url=endpoint)
            for service in ("s3", "dynamodb", "kinesis", "secretsmanager")
        )

    def reset(self) -> None:
        self.proxy.begin(Plan())
        urllib.request.urlopen(urllib.request.Request(f"{self._endpoint}/moto-api/reset", method="POST")).close()
        for bucket in BUCKETS.values():
            create_bucket(self.s3, bucket)
        create_profiles_table(self.dynamodb, PROFILES_TABLE)
        for table, key in TABLES.values():
            create_table(self.dynamodb, table, key=key)
        self.kinesis.create_stream(StreamName="events", ShardCount=1)
        self.secrets.create_secret(Name=SECRET, SecretString=HASH_KEY)

    def run(self, function: str, event: Mapping[str, Any], *, plan: Plan | KillPlan | None = None) -> Done:
        """Run a handler with the failures of `plan`. If `plan` is a function, its argument kills the handler."""
        if function not in self._drivers:
            self._drivers[function] = Driver(function, url=self.proxy.url, directory=self._directory)
        return self._drivers[function].run(
            event, lambda kill: self.proxy.begin(plan(kill) if callable(plan) else plan or Plan())
        )

    def killed_everywhere(self, function: str, event: Mapping[str, Any], *, state: Callable[[Stores], Any]) -> None:
        """Kill a handler before and after each of its calls, run the handler again, and compare the final states."""
        self.reset()
        self.run(function, event)
        calls, undisturbed = list(self.proxy.calls), state(self)
        assert calls
        for number, call in enumerate(calls, start=1):
            for effective in (False, True):
                self.reset()
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

    def close(self) -> None:
        for driver in self._drivers.values():
            driver.close()


def _environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core/python'}",
        "STREAM_NAME": "events",
        "MAX_SNAPSHOT_MB": "100",
        "TRACKING_ID": "alsolike-test",
        "ITEMS_DATASET_ARN": f"arn:aws:personalize:{REGION}:123456789012:dataset/alsolike-test/ITEMS",
        "USERS_DATASET_ARN": f"arn:aws:personalize:{REGION}:123456789012:dataset/alsolike-test/USERS",
        "SECRET_ARN": SECRET,  # the API also accepts a name
        **BUCKETS,
        "PROFILES_TABLE": PROFILES_TABLE,
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

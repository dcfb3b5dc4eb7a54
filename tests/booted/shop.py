"""Shop on a booted cloud: API calls, history, records and lake."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import boto3
import psutil
import pyarrow.parquet as pq
from botocore.config import Config

import cli.main
from local_cloud.client import Cloud, CloudError
from tests.booted.permissions import record_permissions

SECONDS_PER_DAY = 86_400

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]

    @property
    def items(self) -> list[str]:
        return [item["itemId"] for item in self.document["itemList"]]


class Shop:
    def __init__(self, cloud: Cloud, state: Path) -> None:
        self.cloud = cloud
        self.state = state
        self._token = cloud.token(["alsolike/events.write", "alsolike/recommendations.read"])
        self._names: dict[str, str] = {}
        self._contents: dict[tuple[str, str, str], bytes] = {}
        certificate = cloud.state.certificate
        self.tls = ssl.create_default_context(cafile=certificate) if certificate else None

    @classmethod
    @contextlib.contextmanager
    def booted(cls, assembly: Path, directory: Path, *, tls: bool = False, data: Path | None = None) -> Iterator[Self]:
        """Boot a cloud for the context. Its state file and any certificates are written to `directory`."""
        state = directory / "cloud.json"
        with Cloud.start(assembly, state=state, tls=directory / "tls" if tls else None, data=data) as cloud:
            yield cls(cloud, state)
            with contextlib.suppress(CloudError):  # The test may have killed the cloud.
                record_permissions(cloud)

    def personalize(self, service: str) -> Any:
        return personalize_client(service, self.key)

    @functools.cached_property
    def key(self) -> dict[str, str]:
        environment: dict[str, str] = self.alsolike("keys", "create", "shop")["environment"]
        return environment

    def post(self, path: str, document: Any) -> Answer:
        return self._call("POST", path, document, token=self._token)

    def administer(self, method: str, path: str, document: Any = None) -> Answer:
        return self._call(method, path, document, token=self.cloud.token(["alsolike/admin"]))

    def get(self, path: str, *, token: str | None = None, **headers: str) -> Answer:
        return self._call("GET", path, None, token=self._token if token is None else token, headers=headers)

    def _call(
        self, method: str, path: str, document: Any, *, token: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        request = urllib.request.Request(
            self.api_url + path,
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.tls) as response:
                return Answer(response.status, dict(response.headers), json.load(response))
        except urllib.error.HTTPError as error:
            text = error.read()
            return Answer(error.code, dict(error.headers), json.loads(text) if text else {})

    def send(self, user: str, *item_ids: str, at: float | None = None) -> Answer:
        event = {"eventType": "purchase", "sentAt": at or time.time()}
        events = [{**event, "itemId": item_id, "eventId": f"{user}-{item_id}-{at}"} for item_id in item_ids]
        return self.post_events(events, session=f"session-{user}", user=user)

    def post_events(self, events: Sequence[Mapping[str, Any]], *, session: str, user: str | None = None) -> Answer:
        call = {"trackingId": self.name("tracking-id"), "sessionId": session, "eventList": events}
        return self.post("/events", call if user is None else {**call, "userId": user})

    def recommend(self, user: str, k: int = 10) -> Answer:
        return self.post("/recommendations", {"userId": user, "numResults": k})

    @property
    def api_url(self) -> str:
        """URL of the API. A deployment in two regions has another API for health checks."""
        return self.name("api-url").rstrip("/")

    def name(self, key: str) -> str:
        if key not in self._names:
            parameter = self.cloud.client("ssm").get_parameter(Name=f"/alsolike/demo/{key}")
            self._names[key] = parameter["Parameter"]["Value"]
        return self._names[key]

    def objects(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield keys and contents of a bucket's objects.

        Contents are cached, because polls read the same objects repeatedly.
        """
        s3, name = self.cloud.client("s3"), self.name(bucket)
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix):
            for entry in page.get("Contents", []):
                key, version = entry["Key"], (name, entry["Key"], entry["ETag"])
                if version not in self._contents:
                    self._contents[version] = s3.get_object(Bucket=name, Key=key)["Body"].read()
                yield key, self._contents[version]

    def lake_objects(self, prefix: str) -> list[bytes]:
        return [body for _, body in self.objects("lake-bucket", prefix)]

    def lake_rows(self, prefix: str) -> list[dict[str, Any]]:
        return [row for body in self.lake_objects(prefix) for row in parquet_rows(body)]

    def invoke(self, function: str, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Invoke the function whose name contains `function`, and return its result."""
        functions = self.cloud.client("lambda")
        names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
        (found,) = (name for name in names if function in name)
        answer = functions.invoke(FunctionName=found, Payload=json.dumps(event or {}).encode())
        outcome: dict[str, Any] = json.load(answer["Payload"])
        assert "FunctionError" not in answer, outcome
        return outcome

    def alsolike(self, *arguments: str | Path, exit_code: int = 0) -> Any:
        """Run a command with --json in this process. Return the printed document, or stderr for the exit code 1."""
        out, err = io.StringIO(), io.StringIO()
        status: Any = 0
        before = sys.argv
        sys.argv = ["alsolike", *map(str, arguments), "--state", str(self.state), "--json"]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                cli.main.main()
        except SystemExit as ended:
            status = ended.code or 0
        finally:
            sys.argv = before
        assert status == exit_code, err.getvalue()
        return err.getvalue() if exit_code == 1 else json.loads(out.getvalue())

    def run_alsolike(self, *arguments: str | Path) -> str:
        """Run a command in a separate process, as a shell does, and return its output."""
        command: list[str | Path] = [Path(sys.executable).parent / "alsolike", *arguments, "--state", self.state]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def personalize_client(service: str, key: Mapping[str, str], *, endpoint: str | None = None) -> Any:
    """Return boto3's client of Amazon Personalize without retries. `key` has a key pair's environment variables."""
    return boto3.client(
        service,
        region_name=key["AWS_REGION"],
        endpoint_url=endpoint or key["AWS_ENDPOINT_URL_PERSONALIZE"],
        aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
        verify=key.get("AWS_CA_BUNDLE"),
        config=Config(retries={"total_max_attempts": 1}),
    )


def eventually(probe: Callable[[], T], *, holds: Callable[[T], bool] = bool, within_s: float = 120) -> T:
    """Poll until the value satisfies `holds`, and return the value. After the timeout, return the last value."""
    deadline = time.monotonic() + within_s
    pause_s = 0.05
    while True:
        value = probe()
        if holds(value) or time.monotonic() > deadline:
            return value
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, 0.5)


def leave_midnight(*, within_s: float = 300) -> None:
    """Wait for the next day in UTC if it begins within `within_s`, so that a test's responses have the same date."""
    left_s = SECONDS_PER_DAY - time.time() % SECONDS_PER_DAY
    time.sleep(left_s + 1 if left_s < within_s else 0)


@functools.cache
def parquet_rows(body: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
    return rows


def write_history(path: Path, *, users: int, days: int, end: float) -> list[tuple[str, str, int]]:
    """Write purchases in Personalize's CSV format.

    There are three cycles of ten items. Each user buys the items of one cycle in order.
    """
    rows = []
    for user in range(users):
        aisle, step = user % 3, user // 3
        for day in range(days):
            bought = f"item-{aisle}{(step + day) % 10}"
            rows.append((f"user-{user}", bought, int(end - (days - day) * SECONDS_PER_DAY + user)))
    lines = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *(f"{u},{i},{t},purchase" for u, i, t in rows)]
    path.write_text("\n".join(lines) + "\n")
    return rows


def record(user: str, number: int) -> bytes:
    """Return a stream record in the documented format."""
    now_ms = int(time.time() * 1000)
    document: dict[str, Any] = {
        "event_id": f"{user}-{number}",
        "user_id": user,
        "session_id": None,
        "item_id": f"item-{number % 3}{number % 10}",
        "event_type": "purchase",
        "event_value": 1.5,
        "event_time_ms": now_ms + number,
        "recommendation_id": None,
        "impression": [],
        "properties": "{}",
        "received_time_ms": now_ms,
        "schema_version": 1,
    }
    return json.dumps(document).encode()


def failed_invocations(shop: Shop, function: str) -> int:
    functions = shop.cloud.stats()["functions"]
    return sum(counts.get("errors", 0) for name, counts in functions.items() if f"-{function}" in name)


def empty_quarantine(shop: Shop) -> None:
    s3, bucket = shop.cloud.client("s3"), shop.name("lake-bucket")
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix="quarantine/").get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=entry["Key"])


def kill(shop: Shop, function: str) -> None:
    """Kill the execution environments of a function without warning."""
    handler = re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()
    for process in psutil.Process(shop.cloud.state.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if f"functions.{handler}.handler" in " ".join(process.cmdline()):
                process.kill()

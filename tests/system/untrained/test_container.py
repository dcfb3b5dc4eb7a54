"""The container image's content, started from its file system as a container does, on the embedded cloud's services."""

from __future__ import annotations

import dataclasses
import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from layers.container import PLACE, build
from layers.target import host_target
from tests.booted.shop import Shop, eventually

FUNCTIONS = ("recommend", "collect")


@dataclasses.dataclass
class Container:
    """A started entry point."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    @property
    def is_ready(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.get("/readyz")[0] == 200
        except ConnectionRefusedError:
            return False


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Yield the image's root folder for this machine's Python, with nothing but the image's packages."""
    target = host_target()
    if target is None:
        pytest.skip("images are for Linux")
    with tempfile.TemporaryDirectory(prefix="alsolike-image-") as scratch:
        yield build(target, Path(scratch)) / "root"


@pytest.fixture(scope="module")
def containers(root: Path, shop: Shop) -> Iterator[dict[str, Container]]:
    functions = shop.cloud.client("lambda").list_functions()["Functions"]
    started = {}
    for name in FUNCTIONS:
        (function,) = [one for one in functions if one["Handler"] == f"functions.{name}.handler.lambda_handler"]
        started[name] = _start(name, function["Environment"]["Variables"], root=root, shop=shop)
    yield started
    for container in started.values():
        container.process.kill()
        container.process.wait()


def _start(function: str, variables: dict[str, str], *, root: Path, shop: Shop) -> Container:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    environment = {
        **variables,
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(root / PLACE),
        "PORT": str(port),
        "AWS_REGION": shop.cloud.state.region,
        "AWS_ENDPOINT_URL": shop.cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "container",
        "AWS_SECRET_ACCESS_KEY": "container",
    }
    python = getattr(sys, "_base_executable", sys.executable)
    command = [python, "-S", "-m", "alsolike.api.server", function]
    return Container(subprocess.Popen(command, env=environment, cwd=root), port)


def _client(service: str, container: Container, shop: Shop) -> Any:
    key: dict[str, str] = shop._key
    return boto3.client(
        service,
        region_name=key["AWS_REGION"],
        endpoint_url=f"http://127.0.0.1:{container.port}/personalize",
        aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_containers_answer_as_the_api_does_and_stop(shop: Shop, containers: dict[str, Container]) -> None:
    for container in containers.values():
        assert eventually(lambda one=container: one.is_ready)  # type: ignore[misc]
        assert container.get("/healthz") == (200, {"message": "live"})
        assert container.get("/personalize/openapi.json")[0] in (403, 404)
    events = _client("personalize-events", containers["collect"], shop)
    runtime = _client("personalize-runtime", containers["recommend"], shop)
    event = {"eventType": "View", "sentAt": time.time(), "itemId": "from-a-container"}

    events.put_events(trackingId=shop.name("tracking-id"), userId="contained", sessionId="s", eventList=[event])

    arn = "arn:aws:personalize:us-east-1:123456789012:recommender/recently-viewed"
    listed = eventually(lambda: runtime.get_recommendations(recommenderArn=arn, userId="contained")["itemList"])
    assert [item["itemId"] for item in listed] == ["from-a-container"]
    assert shop.get("/users/contained/recommendations?recommender=recently-viewed").items == ["from-a-container"]

    for container in containers.values():
        container.process.send_signal(signal.SIGTERM)
        assert container.process.wait(30) == 0

"""Entry points of the container image, started from its files with the services of the embedded cloud."""

from __future__ import annotations

import dataclasses
import http.client
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from layers.container import PLACE, build
from layers.target import host_target
from tests.booted.shop import eventually, personalize_client
from tests.fakes.ports import reserved_port

FUNCTIONS = ("recommend", "collect")


@dataclasses.dataclass
class Container:
    process: subprocess.Popen[bytes]
    port: int

    def get(self, path):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    @property
    def is_ready(self):
        assert self.process.poll() is None
        try:
            return self.get("/readyz")[0] == 200
        except ConnectionRefusedError:
            return False


@pytest.fixture(scope="module")
def root():
    """Yield the image's root folder for this machine's Python, with only the image's packages."""
    target = host_target()
    if target is None:
        pytest.skip("images are for Linux")
    with tempfile.TemporaryDirectory(prefix="alsolike-image-") as scratch:
        yield build(target, Path(scratch)) / "root"


@pytest.fixture(scope="module")
def containers(root, shop):
    functions = shop.cloud.client("lambda").list_functions()["Functions"]
    started = {}
    for name in FUNCTIONS:
        (function,) = [one for one in functions if one["Handler"] == f"functions.{name}.handler.lambda_handler"]
        started[name] = _start(name, function["Environment"]["Variables"], root=root, shop=shop)
    yield started
    for container in started.values():
        container.process.kill()
        container.process.wait()


def _start(function, variables, *, root, shop):
    port = reserved_port()
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
    return Container(subprocess.Popen(_command(function), env=environment, cwd=root), port)


def _command(function):
    """Return the entry point's command in a Python without other packages."""
    return [getattr(sys, "_base_executable", sys.executable), "-S", "-m", "alsolike.api.server", function]


def test_containers_answer_as_the_api_does_and_stop(shop, containers):
    item = {"itemId": "from-a-container"}  # Lists leave out items that the catalogue does not contain.
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": [item]}).status == 200
    for container in containers.values():
        assert eventually(lambda one=container: one.is_ready)  # type: ignore[misc]
        assert container.get("/healthz") == (200, {"message": "live"})
        assert container.get("/personalize/openapi.json")[0] in (403, 404)
    events, runtime = (
        personalize_client(service, shop.key, endpoint=f"http://127.0.0.1:{containers[name].port}/personalize")
        for service, name in (("personalize-events", "collect"), ("personalize-runtime", "recommend"))
    )
    event = {"eventType": "View", "sentAt": time.time(), "itemId": "from-a-container"}

    events.put_events(trackingId=shop.name("tracking-id"), userId="contained", sessionId="s", eventList=[event])

    arn = "arn:aws:personalize:us-east-1:123456789012:recommender/recently-viewed"
    listed = eventually(lambda: runtime.get_recommendations(recommenderArn=arn, userId="contained")["itemList"])
    assert [item["itemId"] for item in listed] == ["from-a-container"]
    path = "/users/contained/recommendations?recommender=recently-viewed"
    assert eventually(lambda: shop.get(path).items) == ["from-a-container"]

    for container in containers.values():
        container.process.send_signal(signal.SIGTERM)
        assert container.process.wait(60) == 0


class _RuntimeApi(BaseHTTPRequestHandler):
    """Lambda's runtime API with one invocation: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

    protocol_version = "HTTP/1.1"
    invoked: ClassVar[dict[str, Any]] = {
        "routeKey": "POST /personalize/recommendations",
        "headers": {},
        "requestContext": {"requestId": "r1"},
    }
    invocations: ClassVar[queue.Queue[str]] = queue.Queue()
    answers: ClassVar[queue.Queue[dict[str, Any]]] = queue.Queue()

    def do_GET(self):
        request_id = self.invocations.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 600_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:recommend",
        }
        self._send(200, json.dumps(self.invoked).encode(), headers)

    def do_POST(self):
        self.answers.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._send(202, b"{}", {})

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_entry_point_on_lambda_answers_invocations(root):
    with ThreadingHTTPServer(("127.0.0.1", 0), _RuntimeApi) as runtime:
        runtime.daemon_threads = True
        threading.Thread(target=runtime.serve_forever, daemon=True).start()
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(root / PLACE),
            "AWS_REGION": "eu-west-1",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
            "PROFILES_TABLE": "profiles",
            "USERS_TABLE": "users",
            "ARTEFACT_BUCKET": "artefacts",
            "SECRET_ARN": "secret",
            "KEYS_TABLE": "keys",
        }
        process = subprocess.Popen(_command("recommend"), env=environment, cwd=root)
        try:
            _RuntimeApi.invocations.put("r1")
            response = _RuntimeApi.answers.get(timeout=60)
        finally:
            process.kill()
            process.wait()
            runtime.shutdown()

    assert response["statusCode"] == 403, response
    assert response["headers"]["x-amzn-errortype"] == "MissingAuthenticationTokenException"

"""Client of an embedded cloud: start, administration requests, and stop."""

import dataclasses
import io
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from local_cloud.client import Cloud, CloudError
from memory_process import MemoryProcess, state_of

ADMIN = "http://127.0.0.1:1"
STATE = dataclasses.replace(state_of(os.getpid(), admin=ADMIN, endpoint="http://127.0.0.1:2"), admin_token="secret")


class Administration:
    """Administration API of a cloud in memory. `answers` contains a response or an exception by path."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.on_stop: Callable[[], None] = lambda: None

    def open(self, request: urllib.request.Request, *, timeout: float) -> io.BytesIO:
        assert request.get_header("X-cloud-token") == "secret"
        path = request.full_url.removeprefix(ADMIN)
        body = json.loads(request.data) if isinstance(request.data, bytes) else None
        self.requests.append((request.get_method(), path, body))
        answer = self.answers.get(path, {})
        if isinstance(answer, Exception):
            raise answer
        if path == "/stop":
            self.on_stop()
        return io.BytesIO(json.dumps(answer).encode())


@pytest.fixture
def administration(monkeypatch):
    administration = Administration()
    monkeypatch.setattr(urllib.request, "build_opener", lambda *_: administration)
    return administration


@pytest.fixture
def start(monkeypatch, tmp_path):
    def start(process, written, commands, **options):
        def run(command, **_):
            commands.append(command)
            written.write(Path(command[command.index("--state") + 1]))
            return process

        monkeypatch.setattr(subprocess, "Popen", run)
        return Cloud.start(Path("cdk.out"), **{"state": tmp_path / "state.json", **options})

    return start


def test_started_cloud_stops_on_request_and_leaves_no_state(start, administration, tmp_path):
    process, commands, lines = MemoryProcess("starting", "ready at x", pid=STATE.pid), list[list[str]](), list[str]()
    administration.on_stop = process.end

    with start(process, STATE, commands, region="eu-west-1", awslambdaric=False, progress=lines.append) as cloud:
        assert (cloud.endpoint, lines) == ("http://127.0.0.1:2", ["starting"])
        assert not cloud.was_stopped

    assert commands[0][-5:] == ["--region", "eu-west-1", "--account", "123456789012", "--no-awslambdaric"]
    assert administration.requests == [("POST", "/stop", None)]
    assert process.calls == []
    assert cloud.was_stopped
    assert process.stdin.closed


def test_port_and_certificates_are_passed_to_the_process(start):
    process, commands = MemoryProcess("ready at x"), list[list[str]]()

    cloud = start(process, state_of(process.pid), commands, state=None, port=4000, tls=Path("certificates"))

    process.end()
    cloud.stop()
    assert commands[0][-4:] == ["--port", "4000", "--tls", "certificates"]
    assert cloud.was_stopped


def test_cloud_that_does_not_answer_is_terminated(start, administration):
    process = MemoryProcess("ready at x", pid=STATE.pid)
    administration.answers["/stop"] = urllib.error.URLError("refused")
    cloud = start(process, STATE, [])

    cloud.stop()

    assert process.calls == ["terminate"]


def test_cloud_that_fails_to_boot_is_an_error_with_the_reason(start, tmp_path):
    process = MemoryProcess("the cloud does not boot: no layer")
    process.end()

    with pytest.raises(CloudError, match="the cloud does not boot: no layer"):
        start(process, state_of(process.pid, "failed", error="no layer"), [])

    assert (tmp_path / "state.json").exists()  # The state contains the reason.


def test_cloud_that_is_not_ready_in_time_is_killed(start, tmp_path):
    process = MemoryProcess("starting", deaf=True)

    with pytest.raises(CloudError, match=r"the cloud is not ready after 0\.01 s"):
        start(process, state_of(process.pid, "starting"), [], timeout_s=0.01)

    assert process.calls == ["kill"]
    assert not (tmp_path / "state.json").exists()


def test_administration_requests_have_their_paths_and_bodies(administration):
    cloud = Cloud(STATE)
    administration.answers = {
        "/advance": {"fired": [{"name": "nightly", "due": "2026-01-31T00:00:00+00:00"}]},
        "/alarms": {"alarms": {"errors": "OK"}},
        "/statistics": {"functions": {}},
        "/flush": {"waiting": 0},
    }

    assert cloud.advance(timedelta(hours=1)) == [{"name": "nightly", "due": "2026-01-31T00:00:00+00:00"}]
    assert cloud.alarms() == {"errors": "OK"}
    cloud.interrupt_training("job")
    cloud.flush()
    assert cloud.stats() == {"functions": {}}

    assert administration.requests == [
        ("POST", "/advance", {"seconds": 3600.0}),
        ("POST", "/alarms", None),
        ("POST", "/interrupt-training", {"name": "job"}),
        ("POST", "/flush", None),
        ("GET", "/statistics", None),
    ]


def test_incomplete_flush_is_an_error_with_the_number_of_waiting_items(administration):
    administration.answers = {"/flush": {"waiting": 3}}

    with pytest.raises(CloudError, match="3 log lines and metrics still wait for CloudWatch"):
        Cloud(STATE).flush()


def test_refused_request_is_an_error_with_the_reason(administration):
    refusal = urllib.error.HTTPError(ADMIN, 404, "", Message(), io.BytesIO(b"no such job"))
    administration.answers = {"/interrupt-training": refusal, "/alarms": urllib.error.URLError("refused")}

    with pytest.raises(CloudError, match="POST /interrupt-training: no such job"):
        Cloud(STATE).interrupt_training("job")
    with pytest.raises(CloudError, match=f"the cloud at {ADMIN} does not answer"):
        Cloud(STATE).alarms()


def test_output_is_found_in_the_stack_that_has_it():
    outputs = {"data": {"Url": "a", "Table": "t"}, "serving": {"Url": "b"}}
    cloud = Cloud(dataclasses.replace(STATE, outputs=outputs))

    assert cloud.output("Table") == "t"
    with pytest.raises(CloudError, match="2 stacks have an output 'Url'"):
        cloud.output("Url")
    with pytest.raises(CloudError, match="0 stacks have an output 'Name'"):
        cloud.output("Name")


def test_token_needs_one_pool_and_one_client():
    with pytest.raises(CloudError, match="there are 0 user pools"):
        Cloud(STATE).token()
    with pytest.raises(CloudError, match="there are 0 clients of user pool pool"):
        Cloud(dataclasses.replace(STATE, user_pools={"pool": []})).token()
    assert Cloud(dataclasses.replace(STATE, user_pools={"pool": ["app"]})).token().count(".") == 2

"""An import that is interrupted at any call and repeated has the result of an uninterrupted one."""

import functools
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.moto_api._internal import models as moto_api
from moto.server import ThreadedMotoServer

from tests.unit.cli.imported import load
from tests.unit.cli.interruptions import LATER_MS, Killed, empty, end_state, go_on, stop_at, write_history
from tests.unit.cli.shop import REGION, empty_deployment
from tests.unit.cli.stopped_import import small_pieces


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    small_pieces(monkeypatch.setattr)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def history(tmp_path):
    return write_history(tmp_path / "p.csv")


@pytest.fixture
def deployment():
    with mock_aws():
        yield empty_deployment(functools.cache(lambda service: boto3.client(service, region_name=REGION)))


@pytest.mark.parametrize(("error", "step"), [(KeyboardInterrupt, 6), (Killed, 2)])
def test_import_repeated_after_a_stop_at_any_call_has_the_same_end_state(deployment, history, error, step):
    uninterrupted = load(deployment, history)
    expected = end_state(deployment.client, history)
    assert (uninterrupted.imported, uninterrupted.rejected, uninterrupted.profiles) == (145, 5, 7)

    for call in itertools.count(step=step):
        empty(deployment, history)
        stop_at(deployment, call, error)
        try:
            load(deployment, history)
        except error:
            stopped = True
        else:
            stopped = False
        go_on(deployment)

        repeated = load(deployment, history, now_ms=LATER_MS)

        assert end_state(deployment.client, history) == expected, f"stopped at call {call}"
        assert (repeated.imported + repeated.imported_before, repeated.rejected) == (145, 5)
        if not stopped:
            break
    assert call > 20  # otherwise, the import was interrupted at too few calls


@pytest.fixture
def server():
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    moto_api.moto_api_backend.reset()  # the state of an earlier server is in this process
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_import_killed_while_it_writes_is_completed_by_the_next(server, history, number, status):
    client = functools.cache(lambda service: boto3.client(service, region_name=REGION, endpoint_url=server))
    deployment = empty_deployment(client)
    load(deployment, history)
    expected = end_state(client, history)
    empty(deployment, history)

    run = subprocess.run(
        [sys.executable, "-m", "tests.unit.cli.stopped_import", server, str(history), str(int(number)), "5"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[3],
        env=os.environ,
    )

    assert run.returncode == status, run.stderr
    if number is signal.SIGINT:
        assert "imported rows stay, and the same command continues" in run.stderr
    assert load(deployment, history, now_ms=LATER_MS).imported == 145
    assert end_state(client, history) == expected

"""Interrupted imports: the state after their repetition, and the exit of their processes."""

import functools
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.moto_api._internal import models as moto_api
from moto.server import ThreadedMotoServer

from tests.unit.cli.imported import load
from tests.unit.cli.interruptions import LATER_MS, Killed, empty, end_state, go_on, stop_at, write_history
from tests.unit.cli.shop import NAMES, REGION, empty_deployment, put_parameters
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
def client():
    """Yield a function that returns clients of an empty moto server."""
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    moto_api.moto_api_backend.reset()  # the state of an earlier server is in this process
    url = f"http://{host}:{port}"
    yield functools.cache(lambda service: boto3.client(service, region_name=REGION, endpoint_url=url))
    moto.stop()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_import_killed_while_it_writes_is_completed_by_the_next(client, history, number, status):
    deployment, server = empty_deployment(client), client("s3").meta.endpoint_url
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


@pytest.mark.ci
def test_interrupted_import_ends_with_status_130_without_a_traceback(client, tmp_path, monkeypatch):
    put_parameters(client("ssm"), "shop")
    empty_deployment(client)
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(f"{user},a,1500000000\n" for user in range(20_000)))
    monkeypatch.setenv("AWS_ENDPOINT_URL", client("s3").meta.endpoint_url)
    options = ["--event-type", "purchase", "--env", "shop"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from cli.main import main; main()", "import", "interactions", str(path), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    imported = process.stderr.readline()
    while not has_profiles(client) and process.poll() is None:
        time.sleep(0.1)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 130, imported + err + out
    assert out == ""
    assert imported.startswith("import p.csv")
    assert "Traceback" not in err
    assert re.search(r"live profiles +stopped after", err)
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=NAMES.profiles_table, Select="COUNT")
    assert sum(page["Count"] for page in pages) < 20_000  # the command ended before it wrote all profiles


def heed_interrupts():
    """Enable SIGINT, because a shell ignores it in processes that run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def has_profiles(client):
    """Return whether the table has a profile. A count would delay the server that the import writes to."""
    return bool(client("dynamodb").scan(TableName=NAMES.profiles_table, Limit=1)["Count"])

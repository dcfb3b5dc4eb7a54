"""Commands in their own processes: signals, printed commands and imported libraries."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.optimisations import COMMAND
from cli.next_steps import curl_lines
from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud
from tests.unit.cli.shop import empty_deployment

__all__ = ["aws", "boto3_session", "clients", "cloud", "deployment", "functions_session", "memory_cloud"]


@pytest.fixture
def deployment(aws):
    return empty_deployment(aws)


def test_sigterm_runs_the_cleanup_like_ctrl_c():
    program = """
import time
from cli import main
def app():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("put away", flush=True)
main.app = app
main.main()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "put away\n"


def test_pasted_event_has_the_time_of_pasting(deployment, tmp_path):
    *_, line = curl_lines(deployment, user_id="o'hara $(id)", item_id="7")
    shell = tmp_path / "curl"
    shell.write_text('#!/bin/sh\nfor last; do :; done\nprintf %s "$last"\n')
    shell.chmod(0o755)
    before = int(time.time())

    printed = subprocess.run(
        ["bash", "-c", line], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True
    ).stdout

    body = json.loads(printed)
    assert body["trackingId"] == "alsolike-shop"
    assert body["userId"] == "o'hara $(id)"
    assert [event["itemId"] for event in body["eventList"]] == ["7"]
    assert before <= body["eventList"][0]["sentAt"] <= time.time()


HEAVY = (
    "aws_cdk", "awswrangler", "boto3", "botocore", "moto", "numpy", "onnx", "onnxruntime", "pandas", "pyarrow",
    "pydantic", "rich", "scipy", "torch",
)  # fmt: skip

HELP = """
import sys
from cli.main import main
sys.argv = ["alsolike", *{arguments}]
try:
    main()
except SystemExit:
    pass
"""
STATUS = "from cli import status as command; from operations import status"
RECOMMEND = "from cli import recommend; from operations.client import api, deployment"
MODELS = (
    "from cli import terminal, models; from operations.client import deployment; from operations.models import versions"
)
ITEMS = "from operations.ingest import load_metadata"
INTERACTIONS = "from operations.ingest import load_interactions"


@pytest.mark.parametrize(
    ("program", "used"),
    [
        (HELP.format(arguments=["--help"]), set()),
        (HELP.format(arguments=["import", "items", "--help"]), set()),
        (RECOMMEND, {"botocore"}),
        (STATUS, {"botocore"}),
        (MODELS, {"botocore"}),
        (ITEMS, {"botocore", "numpy", "pyarrow"}),
        (INTERACTIONS, {"botocore", "numpy", "pyarrow"}),
    ],
)
def test_command_imports_only_the_heavy_libraries_that_it_uses(program, used):
    program += f"\nimport sys\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(done.stderr.split()) <= used


def test_arrow_arrays_need_no_pandas_until_a_conversion():
    program = """
from operations.ingest.arrow import leave_pandas_out
import pyarrow as pa, sys
leave_pandas_out()
column = pa.array(["a", None])
assert column.is_null().to_numpy(zero_copy_only=False).tolist() == [False, True] and "pandas" not in sys.modules
assert pa.table({"name": column}).to_pandas()["name"].notna().tolist() == [True, False]
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_benchmarked_command_has_the_collector_thresholds_of_a_command():
    printed = "\nimport gc, sys; print(gc.get_threshold(), file=sys.stderr)"

    benchmarked, command = (
        subprocess.run([sys.executable, "-c", program + printed], capture_output=True, text=True, check=True).stderr
        for program in (COMMAND, HELP.format(arguments=["--help"]))
    )

    assert benchmarked == command

"""Imports of functions, which determine the duration of a cold start, in a separate process."""

import os
import subprocess
import sys

import pytest

HEAVY = (
    "pandas", "pyarrow", "pydantic", "scipy", "onnx", "awswrangler", "aws_xray_sdk", "boto3", "s3transfer",
    "multiprocessing", "asyncio",
)  # fmt: skip
ENVIRONMENT = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.mark.parametrize(("function", "other"), [("recommend", set()), ("update_profiles", {"numpy", "onnxruntime"})])
def test_handler_and_clients_import_no_unneeded_library(function, other):
    code = (
        f"import sys, functions.{function}.handler; "
        "from alsolike.runtime.aws import client; client('s3'); client('dynamodb'); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert {*HEAVY, *other}.isdisjoint(done.stdout.split())


def test_initialisation_runs_at_most_one_garbage_collection():
    code = (
        "import gc, functions.recommend; gc.collect(); before = [each['collections'] for each in gc.get_stats()]; "
        "import functions.recommend.handler; print(sum(each['collections'] for each in gc.get_stats()) - sum(before))"
    )

    printed = _as_lambda_initialises(code)

    assert int(printed) <= 1, f"{printed.strip()} collections while the handler was imported, expected one at most"


def test_garbage_collection_is_enabled_after_initialisation():
    """A replaced view of the catalogue is a reference cycle, which only the garbage collector frees."""
    code = (
        "import gc; usual = gc.get_threshold(); import functions.recommend.handler; "
        "print(gc.isenabled(), gc.get_threshold() == usual)"
    )

    assert _as_lambda_initialises(code).split() == ["True", "True"]


def test_first_onnx_session_is_opened_at_initialisation():
    code = (
        "import onnxruntime; real, opened = onnxruntime.InferenceSession, []; "
        "onnxruntime.InferenceSession = lambda *given, **more: opened.append(real(*given, **more)); "
        "import functions.recommend.handler; print(len(opened))"
    )

    assert _as_lambda_initialises(code).strip() == "1"


def test_initialisation_reads_only_the_descriptions_of_its_services():
    code = """
import sys
from pathlib import Path
read = set()
sys.addaudithook(lambda event, of: event == "open" and "service-2.json" in str(of[0]) and read.add(of[0]))
import functions.recommend.handler
print(*sorted(Path(path).parts[-3] for path in read))
"""

    assert _as_lambda_initialises(code).split() == ["dynamodb", "s3", "secretsmanager"]


def _as_lambda_initialises(code):
    environment = {
        **ENVIRONMENT,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "ARTEFACT_BUCKET": "artefacts",
        "PROFILES_TABLE": "profiles",
        "USERS_TABLE": "users",
        "SECRET_ARN": "secret",
    }
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout

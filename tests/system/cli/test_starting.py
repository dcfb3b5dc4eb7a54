"""Libraries that a command imports. An unused library would delay the command's first output."""

import subprocess
import sys

import pytest

from benchmarks.optimisations import COMMAND

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

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from alsolike.runtime.errors import MissingSetting
from alsolike.runtime.settings import from_environment


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    stream_name: str
    batch: int = 100
    check_s: float = 30.0
    tags: str = dataclasses.field(default_factory=lambda: "none")


def test_variables_are_field_names_in_upper_case():
    environ = {"STREAM_NAME": "events", "BATCH": "7", "CHECK_S": "0.5", "TAGS": "a", "OTHER": "x"}

    assert from_environment(Settings, environ) == Settings("events", 7, 0.5, "a")


@pytest.mark.parametrize("batch", [{}, {"BATCH": ""}])
def test_absent_or_empty_variable_has_its_default(batch):
    assert from_environment(Settings, {"STREAM_NAME": "events", **batch}) == Settings("events", 100, 30.0, "none")


@pytest.mark.parametrize("environ", [{}, {"STREAM_NAME": ""}, {"stream_name": "events"}])
def test_variable_without_a_default_is_required(environ):
    with pytest.raises(
        MissingSetting, match=r"^environment variable STREAM_NAME is not set; .*test_settings needs it$"
    ):
        from_environment(Settings, environ)


def test_variable_of_another_type_is_refused():
    with pytest.raises(MissingSetting, match=r"^environment variable BATCH is '7.5', expected int$"):
        from_environment(Settings, {"STREAM_NAME": "events", "BATCH": "7.5"})


PROGRAM = """
import sys
from alsolike.runtime.memory import limit_memory
limit_memory({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": sys.argv[1]} if len(sys.argv) > 1 else {})
try:
    block = bytearray(1_000_000_000)
except MemoryError:
    print("refused")
else:
    print("given")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory")
@pytest.mark.parametrize(("size_mb", "result"), [(["600"], "refused"), (["3000"], "given"), ([], "given")])
def test_allocation_above_the_function_memory_is_refused(size_mb, result):
    done = subprocess.run([sys.executable, "-c", PROGRAM, *size_mb], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == result

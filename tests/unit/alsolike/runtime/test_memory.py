"""Memory limit of a process, tested in a separate process."""

import subprocess
import sys

import pytest

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

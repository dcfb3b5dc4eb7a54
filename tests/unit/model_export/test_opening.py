"""Weights are mapped: a session takes no memory for them."""

import subprocess
import sys
from pathlib import Path

import pytest

from alsolike.bundle import BIAS_GRAPH_FILE, DATA_FILE, GRAPH_FILE
from model_export.onnx_file import write_graphs
from tests.unit.model_export.embeddings import Embeddings

ANONYMOUS_MB = """
import re, sys
from pathlib import Path
from functions.recommend.model import _open_session

def anonymous_mb():
    return int(re.findall(r"RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[0]) / 1000

before = anonymous_mb()
session = _open_session(Path(sys.argv[1]))
print(anonymous_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status tells the memory")
@pytest.mark.parametrize("head_dimensions", [None, 64])
def test_session_of_serving_takes_less_memory_than_its_weights(head_dimensions: int | None, tmp_path: Path) -> None:
    write_graphs(
        Embeddings.random(items=200_000, dimensions=64, spectrum=0.5), tmp_path, head_dimensions=head_dimensions
    )
    assert (tmp_path / DATA_FILE).stat().st_size > 51_000_000

    for name in (GRAPH_FILE, BIAS_GRAPH_FILE):
        command = [sys.executable, "-c", ANONYMOUS_MB, str(tmp_path / name)]
        taken = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        assert taken < 10

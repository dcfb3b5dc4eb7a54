"""Sessions of one model share one mapping of its weights and do not copy them."""

import subprocess
import sys

import pytest

from alsolike.bundle.files import DATA_FILE
from model_export.export.writer import write_graphs
from tests.unit.model_export.embeddings import Embeddings

TAKEN_MB = """
import re, sys
from pathlib import Path
import numpy as np
import onnxruntime
from alsolike.bundle.graph_tables import open_session, open_tables

def taken_mb(kind):
    return int(re.findall(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[0]) / 1000

directory, shared, items = Path(sys.argv[1]), sys.argv[2] == "shared", 200_000
before = {kind: taken_mb(kind) for kind in ("RssAnon", "RssFile")}
tables = open_tables(onnxruntime, directory) if shared else {}
sessions = [open_session(onnxruntime, directory / name, tables) for name in ("graph.onnx", "graph.bias.onnx")]
print(taken_mb("RssAnon") - before["RssAnon"])
feed = {"history": np.ones((1, 1), np.int64), "weights": np.ones((1, 1), np.float32)}
feed |= {"exclude": np.zeros((1, 1), np.int64), "k": np.ones(1, np.int64)}
sessions[0].run(None, feed)
sessions[1].run(None, {**feed, "bias": np.zeros(items + 1, np.float32)})
print(taken_mb("RssFile") - before["RssFile"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status tells the memory")
def test_sessions_share_one_mapping_of_their_weights(tmp_path):
    write_graphs(Embeddings.random(items=200_000, dimensions=64), tmp_path)
    data_mb = (tmp_path / DATA_FILE).stat().st_size / 1e6
    assert data_mb > 51

    def taken(how):
        command = [sys.executable, "-c", TAKEN_MB, str(tmp_path), how]
        return [
            float(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        ]

    anonymous, mapped = taken("shared")
    assert anonymous < 10
    assert mapped < 1.1 * data_mb + 5

    anonymous, mapped_by_each = taken("each")
    assert anonymous < 20
    assert mapped_by_each > mapped

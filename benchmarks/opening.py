"""open_models: an ONNX session with memory-mapped weights, compared with inline weights and default options."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnxruntime
import orjson

from alsolike.bundle.files import GRAPH_FILE
from benchmarks.measure import Result
from benchmarks.synthetic_models import rows_model, vectors_model
from model_export.api import Model
from model_export.export.writer import open_session, write_graphs

ITEMS = 1_000_000
DIMENSIONS = 64
TARGETS = 100
ROUNDS = 7
INLINE_FILE = "inline.onnx"


def open_models() -> Iterator[Result]:
    yield _compared(f"{ITEMS:,} vectors of {DIMENSIONS}", vectors_model(items=ITEMS, dimensions=DIMENSIONS))
    yield _compared(f"{TARGETS} targets each of {ITEMS:,} items", rows_model(items=ITEMS, targets=TARGETS))


def _compared(work: str, model: Model) -> Result:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        write_graphs(model, Path(name))
        inline = Path(name) / INLINE_FILE
        onnx.save(onnx.load(Path(name) / GRAPH_FILE), inline)
        found: dict[Path, list[dict[str, float]]] = {Path(name) / GRAPH_FILE: [], inline: []}
        for _ in range(ROUNDS):
            for path, figures in found.items():
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.opening", str(path)], capture_output=True, check=True
                )
                figures.append(orjson.loads(done.stdout))
    mapped, inlined = (
        {figure: statistics.median(run[figure] for run in runs) for figure in ("ms", "anonymous_mb")}
        for runs in found.values()
    )
    return Result(
        "open_models",
        f"open a session, {work}",
        mapped["ms"],
        "inline weights, default options",
        inlined["ms"],
        note=f"1/{inlined['ms'] / mapped['ms']:,.0f}; {mapped['anonymous_mb']:.1f} MB of anonymous memory, "
        f"against {inlined['anonymous_mb']:,.0f} MB",
    )


def _anonymous_mb() -> float:
    (kilobytes,) = re.findall(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1000


def main(path: Path) -> None:
    before_mb, start = _anonymous_mb(), time.process_time()
    if path.name == INLINE_FILE:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    else:
        session = open_session(path)
    ms = 1000 * (time.process_time() - start)
    sys.stdout.buffer.write(orjson.dumps({"ms": ms, "anonymous_mb": _anonymous_mb() - before_mb}))
    del session


if __name__ == "__main__":
    main(Path(sys.argv[1]))

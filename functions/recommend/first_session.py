"""ONNX Runtime's first session, which initialises the state that all later ones share."""

from __future__ import annotations

import onnxruntime

GRAPH = (
    b'\x08\x08:=\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x07nothing'
    b"Z\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\x11"
)
"""y = x, opset 17. Functions have no `onnx` to write it with; a test builds the same bytes."""


def open_first_session() -> None:
    """Open an empty graph at start-up, so that the first model's session does not pay for the initialisation."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])

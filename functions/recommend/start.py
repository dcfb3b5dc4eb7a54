"""Start of a process, before its first request."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from pathlib import Path

import onnxruntime

from alsolike.runtime.errors import Unavailable
from alsolike.runtime.memory import limit_memory
from functions.recommend.dependencies import current_dependencies

CONNECT_ATTEMPTS, CONNECT_S = 3, 1
"""Maximum number of attempts to connect, and time in seconds after which no further attempt starts."""

NO_PROFILE = "connect"
"""ID of a profile that does not exist. IDs of users' and sessions' profiles start with ``u#`` or ``s#``."""

FIRST_GRAPH = Path(__file__).with_name("first_graph.onnx")
"""Path of an ONNX graph that returns its input, a single number. It is a file, because functions lack the package
`onnx`, which could build the graph."""

PREPARE_MS = 9_500
"""Time limit of the preparation in milliseconds. Lambda permits 10 s for restoring a snapshot."""


def start(initialization_type: str) -> None:
    """Prepare the process for requests, and enable the garbage collector.

    `initialization_type` is Lambda's `AWS_LAMBDA_INITIALIZATION_TYPE`: `on-demand`, `snap-start` or
    `provisioned-concurrency`.
    """
    limit_memory(os.environ)
    # Creating clients takes half of a first request's time, and initialisation has a full processor.
    current_dependencies()
    open_first_session()
    _connect()
    gc.freeze()  # Existing objects are permanent. Only replaced models and catalogues need collection.
    gc.enable()
    if initialization_type in ("snap-start", "provisioned-concurrency"):
        _prepare()
    if initialization_type == "snap-start":
        from snapshot_restore_py import register_after_restore  # part of the Lambda runtime

        register_after_restore(_prepare)


def open_first_session() -> None:
    """Open `FIRST_GRAPH`, so that no model has to wait for the initialisation of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    onnxruntime.InferenceSession(str(FIRST_GRAPH), options, providers=["CPUExecutionProvider"])


def _connect() -> None:
    """Read a profile that does not exist, so that no request waits for the first TLS handshake with DynamoDB.

    The handshake may take longer than the connection timeout, which is a share of a request's time budget
    (`PROFILE_SHARE`). Later attempts are faster, because the address is resolved and certificates are loaded. If all
    attempts fail, the first request connects.
    """
    start_s = time.monotonic()
    for _ in range(CONNECT_ATTEMPTS):
        with contextlib.suppress(Unavailable):
            current_dependencies().stores.profiles.read(NO_PROFILE, length=1)
            return
        if time.monotonic() - start_s > CONNECT_S:
            return


def _prepare() -> None:
    """Read the hash key, champion, configuration and catalogue, and start to read the trends.

    A failed read is repeated after its interval. The hash key is read first, because two attempts of this read may take
    almost the complete time.
    """
    deadline_ms = time.monotonic() * 1000 + PREPARE_MS
    now_ms = time.time_ns() // 1_000_000
    process = current_dependencies()

    def remaining_ms() -> float:
        return deadline_ms - time.monotonic() * 1000

    _connect()
    if remaining_ms() > process.secret_ms:
        process.served.prepare(now_ms=now_ms)
    process.wait_budget.begin_request(limited=False)
    process.refresher.state(now_ms=now_ms, remaining_ms=remaining_ms)
    process.trends.begin(now_ms=now_ms)

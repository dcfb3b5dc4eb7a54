"""Checks that a bundle can serve: it is small enough, and its graphs run, return items and are fast enough."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.features import FEATURE_INPUT
from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE, SERVED_FILES
from alsolike.bundle.graph_tables import open_session, open_tables
from alsolike.bundle.manifest import Manifest
from alsolike.declarations.shared_defaults import DEFAULT_RESULTS
from alsolike.registry.decision import Check
from alsolike.runtime.errors import InvalidBundle
from functions.register_model.limits import GateLimits

RUNS, WARM_UP = 50, 3
LONGEST_S = 10.0
"""Time limit for measuring a graph in seconds. A slow graph runs fewer times."""

MIN_RUNS = 3
SEED = 0
_OUTPUTS = ("items", "scores")


@dataclasses.dataclass(frozen=True, slots=True)
class Speed:
    """Runs of a graph, each for one list, and their durations in milliseconds. Histories have the maximum length."""

    runs: int
    p50_ms: float
    p99_ms: float


def serving_checks(bundle: Bundle, *, limits: GateLimits) -> tuple[Check, ...]:
    try:
        bundle.check_contents()
        tables = open_tables(onnxruntime, bundle.directory)
        speeds = {name: _measure(bundle, name, tables) for name in (GRAPH_FILE, BIAS_GRAPH_FILE)}
    except InvalidBundle as error:
        return _size(bundle.manifest, limits), Check("serving", False, str(error), final=True)
    runs = sum(speed.runs for speed in speeds.values())
    answers = Check(
        "serving", True, f"both graphs answer; {runs} runs of {bundle.manifest.history.length} interactions"
    )
    return _size(bundle.manifest, limits), answers, _latency(speeds, limits)


def _size(manifest: Manifest, limits: GateLimits) -> Check:
    size_bytes = sum(int(manifest.files[name]["size_bytes"]) for name in manifest.files_of(SERVED_FILES))
    maximum = limits.max_bundle_mb * 1_000_000
    return Check(
        "bundle size",
        size_bytes <= maximum,
        f"{size_bytes / 1e6:.1f} MB, serving has room for {maximum / 1e6:.0f} MB",
        {"size_bytes": size_bytes, "max_bundle_bytes": maximum},
        final=True,
    )


def _latency(speeds: Mapping[str, Speed], limits: GateLimits) -> Check:
    worst = max(speeds.values(), key=lambda speed: speed.p50_ms)
    return Check(
        "latency",
        worst.p50_ms <= limits.gate_max_latency_ms,
        f"p50 {worst.p50_ms:.1f} ms, p99 {worst.p99_ms:.1f} ms of {worst.runs} runs of the slower graph, "
        f"p50 may be {limits.gate_max_latency_ms} ms",
        {
            "max_latency_ms": limits.gate_max_latency_ms,
            **{name: dataclasses.asdict(speed) for name, speed in speeds.items()},
        },
    )


def _measure(bundle: Bundle, name: str, tables: Mapping[str, onnxruntime.OrtValue]) -> Speed:
    """Run a graph for random histories of maximum length.

    Raise `InvalidBundle` if a run fails, a result is invalid, or the results of the first `WARM_UP` runs are all empty.
    """
    manifest, rng = bundle.manifest, np.random.default_rng(SEED)
    try:
        session = open_session(onnxruntime, bundle.directory / name, tables)
        has_ages = any(declared.name == "ages" for declared in session.get_inputs())
        answered = False
        for _ in range(WARM_UP):
            feed = _feed(manifest, rng, name, leave_out_seen=False, has_ages=has_ages)
            items, scores = session.run(_OUTPUTS, feed)
            _check_results(manifest, name, items, scores, exclude=feed["exclude"])
            answered |= bool((items > 0).any())
        took_ms: list[float] = []
        started = time.perf_counter()
        while len(took_ms) < RUNS and (len(took_ms) < MIN_RUNS or time.perf_counter() - started < LONGEST_S):
            feed = _feed(manifest, rng, name, leave_out_seen=manifest.exclude_seen, has_ages=has_ages)
            before = time.perf_counter()
            items, scores = session.run(_OUTPUTS, feed)
            took_ms.append((time.perf_counter() - before) * 1_000)
            _check_results(manifest, name, items, scores, exclude=feed["exclude"])
    except InvalidBundle:
        raise
    except Exception as error:  # Errors of ONNX Runtime have no common base class.
        raise InvalidBundle(f"{name} does not run: {error}") from error
    if not answered:
        raise InvalidBundle(
            f"{name} returns no items for {WARM_UP} histories of {manifest.history.length} interactions"
        )
    p50_ms, p99_ms = np.percentile(took_ms, [50, 99])
    return Speed(runs=len(took_ms), p50_ms=float(p50_ms), p99_ms=float(p99_ms))


def _check_results(
    manifest: Manifest, name: str, items: npt.NDArray[Any], scores: npt.NDArray[Any], *, exclude: npt.NDArray[Any]
) -> None:
    if items.shape != scores.shape or items.ndim != 2 or items.dtype != np.int64:
        raise InvalidBundle(f"{name} returns items {items.dtype} {items.shape} and scores {scores.shape}")
    if ((items < 0) | (items > manifest.items)).any() or not np.isfinite(scores[items != 0]).all():
        raise InvalidBundle(f"{name} returns an unknown item or an invalid score")
    if np.isin(items[items > 0], exclude).any():
        raise InvalidBundle(f"{name} returns an excluded item")


def _feed(
    manifest: Manifest, rng: np.random.Generator, name: str, *, leave_out_seen: bool, has_ages: bool
) -> dict[str, npt.NDArray[Any]]:
    history = rng.integers(1, manifest.items + 1, (1, manifest.history.length))
    weight = max(manifest.history.event_weights.values(), default=1.0)
    feed: dict[str, npt.NDArray[Any]] = {
        "history": history,
        "weights": np.full(history.shape, weight, np.float32),
        "exclude": history if leave_out_seen else np.zeros((1, 1), np.int64),
        "k": np.array([min(DEFAULT_RESULTS, manifest.items)], np.int64),
    }
    if name == BIAS_GRAPH_FILE:
        feed["bias"] = np.zeros(manifest.items + 1, np.float32)
    if has_ages:
        feed["ages"] = np.zeros(history.shape, np.float32)
    for feature, values in manifest.history.features.items():
        feed[f"{FEATURE_INPUT}{feature}"] = rng.integers(0, len(values) + 1, history.shape)
    return feed

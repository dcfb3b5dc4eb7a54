import contextlib
import dataclasses
import math
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from alsolike.bundle.bundle import Bundle, write_manifest
from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE, SERVED_FILES
from alsolike.bundle.manifest import HistoryParameters
from alsolike.runtime.errors import InvalidBundle
from functions.register_model import serving_check
from functions.register_model.limits import GateLimits
from tests.builders.bundles import ITEMS, MANIFEST, without_later_files, write_bundle

TO_FIG = {(item, "fig"): 1.0 for item in ITEMS}


def opened(directory, *, transitions=TO_FIG, **fields):
    write_bundle(directory, manifest=dataclasses.replace(MANIFEST, **fields), transitions=transitions)
    return Bundle(directory)


def checks(bundle, **limits):
    return {check.name: check for check in serving_check.serving_checks(bundle, limits=GateLimits(**limits))}


def test_valid_graphs_pass_with_their_latency(tmp_path, monkeypatch):
    monkeypatch.setattr(serving_check, "LONGEST_S", 600.0)  # A busy machine may need more than 10 s.
    found = checks(opened(tmp_path))

    assert [name for name, check in found.items() if check.passed] == ["bundle size", "serving", "latency"]
    assert found["serving"].figures == "both graphs answer; 100 runs of 3 interactions"
    for graph in (GRAPH_FILE, BIAS_GRAPH_FILE):
        speed = found["latency"].values[graph]
        assert speed["runs"] == 50
        assert 0 < speed["p50_ms"] <= speed["p99_ms"]


def test_bundle_of_an_earlier_version_is_measured(tmp_path):
    opened(tmp_path)
    without_later_files(tmp_path)

    assert all(check.passed for check in checks(Bundle(tmp_path)).values())


@pytest.mark.parametrize(("more", "passed"), [(0, True), (-1, False)])
def test_bundle_size_counts_only_served_files(tmp_path, more, passed):
    bundle = opened(tmp_path)
    size_bytes = sum((tmp_path / name).stat().st_size for name in SERVED_FILES)

    check = checks(bundle, max_bundle_mb=Fraction(size_bytes + more, 1_000_000))["bundle size"]

    assert (check.passed, check.final, check.values["size_bytes"]) == (passed, True, size_bytes)


class Runs:
    """Graph that records its inputs. Each run after the warm-up takes the next of the given times.

    The runs after the warm-up return the items `later`.
    """

    def __init__(self, monkeypatch, *, took_s, items=(1,), later=None):
        self.feeds: list[dict[str, Any]] = []
        self._took_s = [0.0] * serving_check.WARM_UP + list(took_s)
        self._items, self._later = np.array([items]), np.array([items if later is None else later])
        self._now_s = 100.0
        monkeypatch.setattr(serving_check, "open_session", lambda *_: self)
        monkeypatch.setattr(time, "perf_counter", lambda: self._now_s)

    def get_inputs(self):
        return []

    def run(self, outputs, feed):
        self._now_s += self._took_s[len(self.feeds) % len(self._took_s)]
        self.feeds.append(feed)
        items = self._items if len(self.feeds) <= serving_check.WARM_UP else self._later
        return items, np.ones(items.shape, np.float32)


def measured(bundle, name=GRAPH_FILE):
    return serving_check._measure(bundle, name, {})


def test_latency_excludes_warm_up_runs(tmp_path, monkeypatch):
    runs = Runs(monkeypatch, took_s=[n / 1_000 for n in range(1, 51)])  # The runs take 1 ms to 50 ms.

    speed = measured(opened(tmp_path))

    assert (speed.runs, len(runs.feeds)) == (50, 53)
    assert speed.p50_ms == pytest.approx(25.5)  # The median is between the 25th and the 26th value.
    assert speed.p99_ms == pytest.approx(49.51)  # 1 + 0.99 * 49


def test_latency_runs_end_after_ten_seconds(tmp_path, monkeypatch):
    Runs(monkeypatch, took_s=[2.5] * 50)

    assert measured(opened(tmp_path)).runs == 4


@pytest.mark.parametrize(
    ("later", "exclude_seen", "message"),
    [
        ((4, -1), True, "graph.onnx returns an unknown item or an invalid score"),
        ((5, 1), False, "graph.onnx returns an unknown item or an invalid score"),
        ((1, 2, 3, 4), True, "graph.onnx returns an excluded item"),
        ((1, 2, 3, 4), False, None),
        ((0, 0), True, None),
    ],
)
def test_results_with_exclusions_must_be_valid_as_well(tmp_path, monkeypatch, later, exclude_seen, message):
    Runs(monkeypatch, took_s=[0.0] * 50, later=later)

    with contextlib.nullcontext() if message is None else pytest.raises(InvalidBundle, match=message):
        measured(opened(tmp_path, exclude_seen=exclude_seen))


def test_measured_histories_are_full_and_have_the_largest_weight(tmp_path, monkeypatch):
    runs = Runs(monkeypatch, took_s=[0.0] * 50, later=(0,))

    measured(opened(tmp_path, exclude_seen=True), BIAS_GRAPH_FILE)

    warm_up, run = runs.feeds[0], runs.feeds[-1]
    assert set(np.concatenate([feed["history"] for feed in runs.feeds]).ravel()) == {1, 2, 3, 4}
    assert run["history"].shape == (1, 3)
    assert run["weights"].tolist() == [[5.0, 5.0, 5.0]]
    assert run["k"].tolist() == [4]
    assert run["bias"].tolist() == [0.0] * 5
    assert warm_up["exclude"].tolist() == [[0]]
    assert run["exclude"] is run["history"]


def test_model_without_weights_is_measured_with_lists_of_25(tmp_path, monkeypatch):
    runs = Runs(monkeypatch, took_s=[0.0] * 50)
    names = [f"item{n}" for n in range(30)]
    manifest = dataclasses.replace(MANIFEST, history=HistoryParameters(2, math.inf, {}))
    write_bundle(tmp_path, manifest=manifest, item_ids=names, popular=names)

    measured(Bundle(tmp_path))

    assert runs.feeds[-1]["k"].tolist() == [25]
    assert runs.feeds[-1]["weights"].tolist() == [[1.0, 1.0]]
    assert "bias" not in runs.feeds[-1]


def test_bundle_size_is_shown_in_megabytes():
    files = {name: {"size_bytes": 10**12} for name in SERVED_FILES}
    manifest = dataclasses.replace(MANIFEST, files=files)

    check = serving_check._size(manifest, GateLimits(max_bundle_mb=10**7))

    assert check.figures == f"{len(files)}000000.0 MB, serving has room for 10000000 MB"


@pytest.mark.parametrize(("took_ms", "passed"), [(50.0, True), (50.1, False)])
def test_median_latency_of_the_slower_graph_decides(tmp_path, monkeypatch, took_ms, passed):
    speeds = {
        GRAPH_FILE: serving_check.Speed(runs=50, p50_ms=1.0, p99_ms=900.0),
        BIAS_GRAPH_FILE: serving_check.Speed(runs=50, p50_ms=took_ms, p99_ms=70.0),
    }
    monkeypatch.setattr(serving_check, "_measure", lambda bundle, name, tables: speeds[name])

    check = checks(opened(tmp_path), gate_max_latency_ms=50)["latency"]

    assert check.passed is passed
    assert check.figures == (f"p50 {took_ms:.1f} ms, p99 70.0 ms of 50 runs of the slower graph, p50 may be 50 ms")


def test_slow_graph_has_fewer_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(serving_check, "LONGEST_S", 0.0)

    speed = checks(opened(tmp_path))["latency"].values[GRAPH_FILE]

    assert speed["runs"] == 3


def test_empty_lists_pass_if_the_history_contains_all_items(tmp_path):
    every = {(item, other): 1.0 for item in ITEMS for other in ITEMS}

    assert checks(opened(tmp_path, transitions=every, exclude_seen=True))["serving"].passed


@pytest.mark.parametrize(
    ("items", "scores"), [([1, 2], [2.0, 1.0]), ([[1, 2]], [[2.0]]), ([[1.0]], [[1.0]]), ([[1]], [[np.inf]])]
)
def test_graph_with_invalid_output_shapes_fails(tmp_path, monkeypatch, items, scores):
    runs = Runs(monkeypatch, took_s=[0.0] * 50)
    monkeypatch.setattr(runs, "run", lambda outputs, feed: (np.array(items), np.array(scores, np.float32)))

    assert not checks(opened(tmp_path))["serving"].passed


NO_ITEMS = "graph.onnx returns no items for 3 histories of 3 interactions"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"transitions": {}}, NO_ITEMS),
        ({"transitions": {(item, "fig"): np.nan for item in ITEMS}}, NO_ITEMS),
        ({"related": {"similar": {"pear": {"fig": np.nan}}}}, "the related items are unusable, similar"),
        ({"tables": b"{"}, "graph.tables.json does not fit graph.data"),
    ],
    ids=["no transitions", "NaN scores", "related items", "tables"],
)
def test_bundle_with_unusable_content_fails(tmp_path, content, message):
    tables = content.pop("tables", None)
    manifest = write_bundle(tmp_path, **{"manifest": MANIFEST, "transitions": TO_FIG, **content})
    if tables is not None:
        (tmp_path / "graph.tables.json").write_bytes(tables)
        write_manifest(tmp_path, manifest)

    check = checks(Bundle(tmp_path))["serving"]

    assert (check.passed, check.final) == (False, True)
    assert check.figures.startswith(message)

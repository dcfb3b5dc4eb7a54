import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alsolike.bundle import BIAS_GRAPH_FILE, GRAPH_FILE, SERVED_FILES, Bundle, write_manifest
from alsolike.decision import Check
from functions.recommend import model as serving
from functions.register_model import serving_check
from functions.register_model.limits import Limits
from tests.builders.bundles import ITEMS, MANIFEST, without_later_files, write_bundle

TO_FIG = {(item, "fig"): 1.0 for item in ITEMS}


def opened(directory: Path, *, transitions: Mapping[tuple[str, str], float] = TO_FIG, **fields: Any) -> Bundle:
    write_bundle(directory, manifest=dataclasses.replace(MANIFEST, **fields), transitions=transitions)
    return Bundle(directory)


def checks(bundle: Bundle, **limits: Any) -> dict[str, Check]:
    return {check.name: check for check in serving_check.serving_checks(bundle, limits=Limits(**limits))}


def test_graphs_that_answer_pass_with_what_their_runs_took(tmp_path: Path) -> None:
    found = checks(opened(tmp_path))

    assert [name for name, check in found.items() if check.passed] == ["bundle size", "serving", "latency"]
    assert found["serving"].figures == f"both graphs answer; {2 * serving_check.RUNS} runs of 3 interactions"
    for graph in (GRAPH_FILE, BIAS_GRAPH_FILE):
        speed = found["latency"].values[graph]
        assert speed["runs"] == serving_check.RUNS
        assert 0 < speed["p50_ms"] <= speed["p99_ms"]


def test_bundle_of_an_earlier_version_is_measured_too(tmp_path: Path) -> None:
    opened(tmp_path)
    without_later_files(tmp_path)

    assert all(check.passed for check in checks(Bundle(tmp_path)).values())


@pytest.mark.parametrize(("more", "passed"), [(0, True), (-1, False)])
def test_size_is_that_of_what_serving_reads(tmp_path: Path, more: int, passed: bool) -> None:
    bundle = opened(tmp_path)
    size_bytes = sum((tmp_path / name).stat().st_size for name in SERVED_FILES)

    check = checks(bundle, max_bundle_bytes=size_bytes + more)["bundle size"]

    assert (check.passed, check.final, check.values["size_bytes"]) == (passed, True, size_bytes)


@pytest.mark.parametrize(("took_ms", "passed"), [(50.0, True), (50.1, False)])
def test_median_of_the_slower_graph_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took_ms: float, passed: bool
) -> None:
    speeds = {
        GRAPH_FILE: serving_check.Speed(runs=50, p50_ms=1.0, p99_ms=900.0),
        BIAS_GRAPH_FILE: serving_check.Speed(runs=50, p50_ms=took_ms, p99_ms=70.0),
    }
    monkeypatch.setattr(serving_check, "_measure", lambda bundle, name, tables: speeds[name])

    check = checks(opened(tmp_path), max_latency_ms=50)["latency"]

    assert check.passed is passed
    assert check.figures == (f"p50 {took_ms:.1f} ms, p99 70.0 ms of 50 runs of the slower graph, p50 may be 50 ms")


def test_slow_graph_runs_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "LONGEST_S", 0.0)

    speed = checks(opened(tmp_path))["latency"].values[GRAPH_FILE]

    assert speed["runs"] == serving_check.FEWEST_RUNS


def test_graph_that_answers_nothing_fails(tmp_path: Path) -> None:
    check = checks(opened(tmp_path, transitions={}))["serving"]

    assert (check.passed, check.final) == (False, True)
    assert check.figures == "graph.onnx answers no item to any of 3 histories of 3"


def test_graph_whose_scores_are_no_numbers_fails(tmp_path: Path) -> None:
    check = checks(opened(tmp_path, transitions={(item, "fig"): np.nan for item in ITEMS}))["serving"]

    assert not check.passed


def test_answers_without_seen_items_may_be_empty_where_the_history_has_them_all(tmp_path: Path) -> None:
    every = {(item, other): 1.0 for item in ITEMS for other in ITEMS}

    assert checks(opened(tmp_path, transitions=every, exclude_seen=True))["serving"].passed


def test_tables_that_do_not_fit_the_graph_fail(tmp_path: Path) -> None:
    bundle = opened(tmp_path)
    (tmp_path / "graph.tables.json").write_bytes(b"{")
    write_manifest(tmp_path, bundle.manifest)

    check = checks(Bundle(tmp_path))["serving"]

    assert not check.passed
    assert check.figures.startswith("graph.tables.json does not fit graph.data")


def test_graphs_are_opened_as_serving_opens_them(tmp_path: Path) -> None:
    opened(tmp_path)

    own = serving_check.open_session(tmp_path / GRAPH_FILE, {}).get_session_options()
    theirs = serving._open_session(tmp_path / GRAPH_FILE, {}).get_session_options()

    prepacking = "session.disable_prepacking"
    assert own.get_session_config_entry(prepacking) == theirs.get_session_config_entry(prepacking) == "1"
    settable = [name for name in dir(own) if not name.startswith("_") and not callable(getattr(own, name))]
    assert "intra_op_num_threads" in settable
    assert {name: getattr(own, name) for name in settable} == {name: getattr(theirs, name) for name in settable}

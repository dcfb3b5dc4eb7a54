"""Imports of other trainers' graphs by the training job."""

import datetime as dt
import shutil

import numpy as np
import pytest

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.files import FILES
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidBundle, InvalidDataset
from alsolike.training.dataset import CHAMPION_FOLDER, IMPORTED_FOLDER
from functions.register_model.gate import judge
from functions.register_model.limits import GateLimits
from model_export.data.training_data import load
from model_export.evaluation.protocol import split_after, split_for
from model_export.export.reference import settings_from
from model_export.export.writer import open_session, recommend
from model_export.imported import export as model_folder
from tests.builders.scoring_graphs import expected_scores, scoring_graph, write_folder
from tests.unit.model_export.shops import history, run_training, tiny_shop

START_MS = 1_700_000_000_000
ITEMS = [f"item{number:02d}" for number in range(15, 0, -1)]
"""Items of the shop in the graph's order."""


def day(number):
    return dt.datetime.fromtimestamp((START_MS + number * DAY_MS) / 1_000, dt.UTC).isoformat()


def with_graph(dataset, *, trained_until, item_ids=ITEMS, **fields):
    graph = scoring_graph(len(item_ids))
    write_folder(dataset / IMPORTED_FOLDER, graph, item_ids, trained_until=trained_until, **fields)
    return graph


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("import")
    dataset, lines = tiny_shop(directory / "dataset"), list[str]()
    graph = with_graph(dataset, trained_until=day(9))
    manifest = run_training(dataset, directory / "bundle", lines=lines, run_id="run-1")
    return dataset, directory / "bundle", manifest, graph, lines


def test_imported_graph_is_in_a_complete_bundle(imported):
    dataset, directory, manifest, graph, _ = imported
    bundle = Bundle(directory, files=FILES)

    (items,), (scores,) = recommend(
        open_session(directory / "graph.onnx"),
        history(*bundle.positions(["item03", "item07"])),
        exclude=np.zeros((1, 0), np.int64),
        k=3,
    )

    places = [ITEMS.index(item) + 1 for item in ("item03", "item07")]
    expected = dict(zip(ITEMS, expected_scores(graph, places)[1:].tolist(), strict=True))
    best = sorted(expected, key=lambda item: -expected[item])[:3]
    assert bundle.item_ids(items.tolist()) == best
    assert scores.tolist() == pytest.approx([expected[item] for item in best])
    assert manifest.algorithm == "imported"
    assert sorted(bundle.item_ids(range(1, 16))) == sorted(load(dataset).item_ids)


def test_manifest_describes_the_imported_graph(imported):
    _, _, manifest, _, lines = imported
    figures = manifest.metrics["imported"]

    assert (figures["name"], figures["items"], figures["known_items"]) == ("inner products", 15, 15)
    assert figures["trained_until_ms"] == START_MS + 9 * DAY_MS
    assert len(figures["sha256"]) == 64
    candidates = {each["algorithm"]: each["settings"] for each in manifest.metrics["candidates"]}
    assert candidates.keys() == {"imported", "popularity"}
    assert candidates["imported"].startswith("graph ")
    assert any("15 of its 15 items are among the 15 items with interactions" in line for line in lines)


def test_gate_evaluates_an_import_by_the_same_checks(imported):
    limits = GateLimits(gate_min_interactions=1, gate_min_users=1)

    checks = judge(imported[2], run_id="run-1", champion=None, champion_manifest=None, limits=limits, now_ms=START_MS)

    figures = {each["algorithm"]: each["ndcg"] for each in imported[2].metrics["candidates"]}
    is_better = figures["imported"] >= figures["popularity"]
    assert {check.name: check.passed for check in checks}["ndcg@10 on the hold-out"] is is_better
    assert all(check.passed for check in checks if check.name != "ndcg@10 on the hold-out")


@pytest.mark.parametrize(("trained_day", "first_day"), [(3, 9.9), (9.9, 9.9), (10.5, 10.5)])
def test_hold_out_begins_after_the_training_data_of_the_graph(tmp_path, trained_day, first_day):
    interactions = load(tiny_shop(tmp_path)).interactions
    split = split_for(interactions, holdout_days=1.1)

    found = split_after(split, interactions, trained_until_ms=round(START_MS + trained_day * DAY_MS))

    start_ms = round(START_MS + first_day * DAY_MS)
    assert (found.selected_until_ms, set(found.test.queries.now_ms)) == (start_ms, {start_ms})
    assert len(found.test.queries) == 20
    assert found.validation is split.validation


def test_graph_trained_on_the_hold_out_is_refused(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    with_graph(dataset, trained_until=day(11))

    with pytest.raises(InvalidDataset) as raised:
        run_training(dataset, tmp_path / "bundle")

    assert "and 0 users have interactions before and after that, expected at least 5" in str(raised.value)
    assert "Train it with interactions up to" in str(raised.value)


def test_graph_of_another_shop_is_refused(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    with_graph(dataset, trained_until=day(9), item_ids=["sun", "moon"])

    with pytest.raises(InvalidBundle, match="items such as 'sun', none of which has interactions here"):
        run_training(dataset, tmp_path / "bundle")


def test_items_of_another_shop_are_left_out(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    with_graph(dataset, trained_until=day(9), item_ids=[*ITEMS[:10], "sun", "moon"])

    manifest = run_training(dataset, tmp_path / "bundle")

    figures = manifest.metrics["imported"]
    assert (figures["items"], figures["known_items"], manifest.items) == (12, 10, 15)


def test_unsound_graph_is_refused_by_the_job(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    example = {"history": ["item03"], "scores": {"item04": 99.0}}
    with_graph(dataset, trained_until=day(9), examples=[example])

    with pytest.raises(InvalidBundle, match="expected 99 as in example 1"):
        run_training(dataset, tmp_path / "bundle")


def test_import_is_compared_with_the_champion(tmp_path, imported):
    _, champion, *_ = imported
    dataset = tiny_shop(tmp_path / "dataset")
    shutil.copytree(champion, dataset / CHAMPION_FOLDER)
    with_graph(dataset, trained_until=day(9))

    metrics = run_training(dataset, tmp_path / "bundle").metrics

    assert metrics["against_champion"]["version"] == "run-1"
    assert metrics["against_champion"]["refusal"] == "nothing new"
    assert metrics["new_data"] is None


def test_exported_model_has_the_metrics_of_its_algorithm_after_an_import(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    trained = run_training(dataset, tmp_path / "trained", algorithms="popularity,transitions")
    data = load(dataset)
    test = split_for(data.interactions, holdout_days=None).test
    settings = settings_from(trained.metrics["settings"])
    model_folder.write_folder(
        settings.fit(test.fit),
        dataset / IMPORTED_FOLDER,
        item_ids=[data.item_ids[item - 1] for item in test.order],
        trained_until=dt.datetime.fromtimestamp(int(test.queries.now_ms[0]) / 1_000, dt.UTC),
        histories=test.queries.source.item[None, :20].astype(np.int64),
        scored=5,
    )

    imported = run_training(dataset, tmp_path / "imported")

    def figures(manifest, algorithm):
        (found,) = (each for each in manifest.metrics["candidates"] if each["algorithm"] == algorithm)
        return [found[name] for name in ("ndcg", "hr", "mrr", "coverage", "popularity_ratio")]

    assert settings.name == "transitions"
    assert figures(imported, "imported") == pytest.approx(figures(trained, "transitions"))

"""Reasons, which are differences of the model's scores with and without an interaction."""

import dataclasses

import numpy as np
import orjson
import pytest
from onnxruntime import InferenceSession
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from alsolike.bundle.bundle import write_manifest
from alsolike.bundle.manifest import HistoryParameters
from alsolike.profiles.profile import RecentInteraction
from functions.recommend.state import model as recommend_model
from functions.recommend.state.model import Model
from model_export.algorithms.transitions import Transitions
from model_export.data.interactions import Histories
from model_export.export.writer import write_graphs
from tests.builders.bundles import MANIFEST, write_bundle
from tests.builders.lambda_events import NOW_MS
from tests.unit.model_export.networks import SMALL, untrained
from tests.unit.model_export.shops import interactions, random_sequences

ITEMS = 30
ITEM_IDS = [f"item{position}" for position in range(1, ITEMS + 1)]
HISTORY = [3, 7, 3, 12, 8, 20]


def transitions():
    return Transitions().fit(interactions(random_sequences(users=60, items=ITEMS, length=12), items=ITEMS))


def served(model, directory):
    """Return the model as requests load it, with the history of the user."""
    parameters = HistoryParameters(length=5, half_life_days=10.0, event_weights={"view": 1.0, "purchase": 5.0})
    manifest = dataclasses.replace(MANIFEST, items=ITEMS, history=parameters)
    write_bundle(directory, manifest=manifest, item_ids=ITEM_IDS, popular=ITEM_IDS[:3])
    write_graphs(model, directory)
    write_manifest(directory, manifest)
    serving, interactions = Model(directory), recent()
    return serving, serving.history(interactions, serving.bundle.positions([row.item_id for row in interactions]))


def recent():
    return [
        RecentInteraction(NOW_MS - 86_400_000 * (len(HISTORY) - place), f"e{place}", f"item{item}", event_type)
        for place, (item, event_type) in enumerate(zip(HISTORY, ["view", "purchase"] * 3, strict=True))
    ]


def graph_input():
    """Return the graph's input.

    It has the latest five interactions with weights of 1 or 5 and a half-life of ten days.
    """
    weights = [weight * 0.5 ** (age / 10) for weight, age in zip([5, 1, 5, 1, 5], [5, 4, 3, 2, 1], strict=True)]
    return Histories(np.array([HISTORY[-5:]]), np.array([weights], np.float32))


@pytest.mark.parametrize("model", [transitions(), untrained(SMALL, items=ITEMS)], ids=["transitions", "sasrec"])
def test_contribution_is_the_score_minus_the_score_without_the_interaction(model, tmp_path):
    serving, history = served(model, tmp_path)
    best, scores = serving.rank(history, k=4, now_ms=NOW_MS, leave_out_seen=False)

    found = serving.ablation_scores(history, best, latest=3, now_ms=NOW_MS)

    expected = [model.score(graph_input())[0, best]]
    for place in (2, 3, 4):
        lighter = graph_input()
        lighter.weights[0, place] = 0
        expected.append(model.score(lighter)[0, best])
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[0], scores, rtol=1e-6)


def test_longer_histories_are_run_in_smaller_groups(tmp_path, monkeypatch):
    serving, history = served(transitions(), tmp_path)
    best, _ = serving.rank(history, k=4, now_ms=NOW_MS, leave_out_seen=False)
    together, run = [], InferenceSession.run

    def recorded_run(session, outputs, feed):
        together.append(len(feed["history"]))
        return run(session, outputs, feed)

    monkeypatch.setattr(InferenceSession, "run", recorded_run)
    at_once = serving.ablation_scores(history, best, latest=5, now_ms=NOW_MS)
    monkeypatch.setattr(recommend_model, "_ABLATED_PLACES", 2 * len(history) ** 2)
    by_twos = serving.ablation_scores(history, best, latest=5, now_ms=NOW_MS)

    assert together == [6, 2, 2, 2]
    np.testing.assert_array_equal(by_twos, at_once)


def test_explanation_has_the_largest_contributions_of_each_item(shop):
    """A purchased pear weighs 5, and a viewed pear 1.

    The fig scores twice as much as the plum. Fill items have no reasons.
    """
    shop.publish()
    shop.remember("u#anna", "pear", before_ms=2000)
    shop.remember("u#anna", "pear", "purchase", before_ms=1000)

    items, _ = shop.ask(explain=True, numResults=3)

    assert [(item["itemId"], [orjson.loads(reason) for reason in item["reason"]]) for item in items] == [
        ("fig", [because("purchase", 1000, 10.0), because("view", 2000, 2.0)]),
        ("plum", [because("purchase", 1000, 5.0), because("view", 2000, 1.0)]),
        ("pear", []),
    ]


def because(event_type, before_ms, contribution):
    time_s = (NOW_MS - before_ms) / 1000
    return {"itemId": "pear", "eventType": event_type, "timestamp": time_s, "contribution": contribution}


def test_explanations_are_returned_only_on_request(shop):
    shop.publish()
    shop.remember("u#anna", "pear")

    assert "reason" not in shop.ask()[0][0]


def test_items_are_returned_without_reasons_if_the_explanation_fails(shop, monkeypatch):
    shop.publish()
    shop.remember("u#anna", "pear")

    def fail(*_, **__):
        raise RuntimeException("out of memory")

    monkeypatch.setattr(Model, "ablation_scores", fail)
    items, headers = shop.ask(explain=True, numResults=2)

    assert [(item["itemId"], item["reason"]) for item in items] == [("fig", []), ("plum", [])]
    assert (headers["x-alsolike-source"], headers["x-alsolike-degraded"]) == ("model", "model-failed")

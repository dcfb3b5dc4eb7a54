"""Models that read categorical features or ages of interactions."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from alsolike.bundle.features import codes_of
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.declarations.times import DAY_MS
from alsolike.events.context import context_of
from alsolike.profiles.profile import RecentInteraction, from_items, to_item
from functions.recommend.state.model import History, known_history
from functions.recommend.state.model import Model as ServedModel
from model_export import algorithms
from model_export.api import Model
from model_export.data.features import Feature
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.data.training_data import contexts, encode
from model_export.evaluation.ranking import history_parameters
from model_export.export.parity import check_parity
from model_export.export.reference import Reference
from model_export.export.writer import features_of, write_graphs
from tests.builders.bundles import MANIFEST, write_bundle

TYPES = ["view", "purchase", "view", "purchase"]
ITEM_IDS = ["a", "b", "c", "d"]
WEIGHTS = {"view": 1.0, "purchase": 5.0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByType(Model):
    codes: Floats

    def score(self, histories):
        scores = np.zeros((len(histories), self.items + 1), np.float32)
        for row, (items, types) in enumerate(zip(histories.items, histories.feature("event_type"), strict=True)):
            np.add.at(scores[row], items, self.codes[types])
        scores[:, 0] = 0
        return scores

    def export(self, graph):
        type_vectors = graph.op("Gather", graph.weight("codes", self.codes), graph.feature("event_type"))
        is_item = graph.op("Cast", graph.history, to=9)  # 9 is the type bool.
        sums = graph.add_by_item(graph.history, graph.op("Where", is_item, type_vectors, graph.number(0)))
        return graph.op("Mul", sums, graph.item_weight("ones", np.ones(self.items + 1, np.float32)))


MODEL = ByType(settings=algorithms.known()["popularity"], items=4, codes=np.array([0.5, 2.0, 3.0], np.float32))


def interactions():
    rows, *_ = encode(
        user_ids=pa.chunked_array([["u", "u", "u", "v"]]),
        item_ids=pa.chunked_array([ITEM_IDS]),
        time_ms=np.arange(4),
        weight=np.array([WEIGHTS[name] for name in TYPES]),
        features={"event_type": pa.chunked_array([TYPES])},
    )
    return rows


def histories(rows, *, length=2):
    parameters = HistoryParameters(length=length, half_life_days=7.0, event_weights={})
    starts, ends = rows.offsets[:-1], rows.offsets[1:]
    return rows.histories(starts=starts, ends=ends, now_ms=np.full(2, 4), parameters=parameters)


def test_histories_have_feature_codes_of_the_latest_interactions():
    rows = interactions()

    assert rows.feature("event_type").values == ("purchase", "view")
    assert rows.feature("event_type").code("view") == 2
    assert histories(rows).feature("event_type").tolist() == [[1, 2], [0, 1]]
    assert histories(rows.select(slice(1, 4))).rows(slice(1, 2)).feature("event_type").tolist() == [[0, 1]]


def test_missing_features_are_unknown():
    rows = interactions()

    assert rows.feature("weather").values == ()
    assert histories(rows).feature("weather").tolist() == [[0, 0], [0, 0]]


def test_rare_values_are_unknown(monkeypatch):
    monkeypatch.setattr("model_export.data.features.MAX_VALUES", 1)

    found = Feature.of(pa.chunked_array([["b", "a", None], ["b"]], pa.string()))

    assert (found.values, found.codes.tolist()) == (("b",), [1, 0, 0, 1])


def test_codes_of_another_model_are_mapped_by_value():
    found = Feature.of(pa.chunked_array([["view", "cart", "buy"]])).recoded(("cart", "search", "view"))

    assert found.codes.tolist() == [3, 1, 0]


def test_graph_with_a_feature_scores_like_its_model(tmp_path):
    write_graphs(MODEL, tmp_path)

    assert features_of(tmp_path / "graph.onnx") == ["event_type"]
    check_parity(MODEL, tmp_path, histories(interactions()), k=4)


def test_serving_ranks_a_profile_like_the_model(tmp_path):
    rows = interactions()
    parameters = history_parameters(rows, 7.0, event_weights=WEIGHTS, features=["event_type"])
    write_bundle(tmp_path, manifest=dataclasses.replace(MANIFEST, history=parameters))
    write_graphs(MODEL, tmp_path)
    served = ServedModel(tmp_path)
    recent = [
        RecentInteraction(time_ms, f"e{time_ms}", item_id, event_type)
        for time_ms, (item_id, event_type) in enumerate(zip(ITEM_IDS, TYPES, strict=True))
    ]

    history = served.history(recent, np.arange(1, 5))
    items, scores = served.rank(history, k=4, now_ms=4, leave_out_seen=False)
    explained = served.ablation_scores(history, np.array([1, 2]), latest=1, now_ms=4)

    expected = Reference(MODEL, ITEM_IDS, parameters).scores(recent, now_ms=4)
    assert expected.tolist() == [3.0, 2.0, 3.0, 2.0]
    assert (items.tolist(), scores.tolist()) == ([1, 3, 2, 4], [3.0, 3.0, 2.0, 2.0])
    assert explained[0].tolist() == [3.0, 2.0]


def test_serving_reads_context_and_user_like_training():
    properties = ['{"DEVICE":"Phone"}', "{}", '{"device":"tv"}', '{"device":"phone"}']
    texts = [context_of(text, ["device"]) for text in properties]
    plan = Feature(("gold", "tin"), np.array([2, 2, 2, 2], np.uint8))
    device = Feature.of(contexts(pa.chunked_array([texts]))["device"])
    rows = dataclasses.replace(interactions(), features={"device": device, "user.plan": plan})
    parameters = history_parameters(rows, 7.0, event_weights=WEIGHTS, features=["device", "weather", "user.plan"])
    shown = zip(ITEM_IDS, TYPES, texts, strict=True)
    sent = [RecentInteraction(time_ms, f"e{time_ms}", *cells) for time_ms, cells in enumerate(shown)]
    stored = from_items("u#u", [to_item("u#u", each, expires_s=5) for each in sent[::-1]])

    history = known_history(
        stored.recent,
        np.arange(1, 5),
        parameters=parameters,
        items=4,
        codes=codes_of(parameters.features),
        user=lambda: {"plan": "tin"},
    )

    assert parameters.features == {"device": ("phone", "tv"), "weather": (), "user.plan": ("gold", "tin")}
    assert history.features["user.plan"].tolist() == plan.codes.tolist()
    assert device.codes.tolist() == [1, 0, 2, 1]
    assert history.features["device"].tolist() == device.codes.tolist()
    assert history.features["weather"].tolist() == [0, 0, 0, 0]


def test_manifest_has_feature_values_only_with_features():
    history = dataclasses.replace(MANIFEST.history, features={"event_type": ("purchase", "view")})
    with_features = dataclasses.replace(MANIFEST, history=history)

    assert b'"features"' not in MANIFEST.to_json()
    assert Manifest.from_json(with_features.to_json()).history == history


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fresh(Model):
    def score(self, histories):
        scores = np.zeros((len(histories), self.items + 1), np.float32)
        for row, (items, ages) in enumerate(zip(histories.items, histories.ages, strict=True)):
            np.add.at(scores[row], items, 1 / (1 + ages))
        scores[:, 0] = 0
        return scores

    def export(self, graph):
        fresh = graph.op("Div", graph.number(1), graph.op("Add", graph.number(1), graph.ages))
        is_item = graph.op("Cast", graph.history, to=9)  # 9 is the type bool.
        sums = graph.add_by_item(graph.history, graph.op("Where", is_item, fresh, graph.number(0)))
        return graph.op("Mul", sums, graph.item_weight("fresh.ones", np.ones(self.items + 1, np.float32)))


def aged_histories():
    rows = Interactions.from_rows(
        user=np.array([0, 0, 1]), item=np.array([1, 2, 3]), time_ms=np.array([0, 3 * DAY_MS, 2 * DAY_MS]),
        weight=np.ones(3), users=2, items=4,
    )  # fmt: skip
    parameters = HistoryParameters(length=2, half_life_days=7.0, event_weights={})
    now_ms = np.full(2, 4 * DAY_MS)
    return rows.histories(starts=rows.offsets[:-1], ends=rows.offsets[1:], now_ms=now_ms, parameters=parameters)


FRESH = Fresh(settings=algorithms.known()["popularity"], items=4)


def test_ages_are_days_before_the_request():
    found = aged_histories()

    assert found.items.tolist() == [[1, 2], [0, 3]]
    assert found.ages[0].tolist() == [4.0, 1.0]
    assert found.ages[1, 1] == 2.0
    assert found.rows(slice(1, 2)).ages[0, 1] == 2.0


def test_histories_without_ages_have_age_0():
    found = Histories(items=np.ones((2, 3), np.int64), weights=np.ones((2, 3), np.float32))

    assert found.ages.tolist() == [[0.0] * 3] * 2


def test_graph_with_ages_scores_like_its_model(tmp_path):
    write_graphs(FRESH, tmp_path)

    check_parity(FRESH, tmp_path, aged_histories(), k=4)


def test_serving_passes_ages_to_the_graph(tmp_path):
    write_bundle(tmp_path)
    write_graphs(FRESH, tmp_path)
    served = ServedModel(tmp_path)
    history = History(np.array([1, 2]), event_weights=[1.0, 1.0], event_time_ms=[0, 3 * DAY_MS])

    items, scores = served.rank(history, k=4, now_ms=4 * DAY_MS, leave_out_seen=False)
    without = served.ablation_scores(history, np.array([1, 2]), latest=1, now_ms=4 * DAY_MS)

    assert items.tolist() == [2, 1]
    assert scores.tolist() == pytest.approx([1 / 2, 1 / 5])
    assert without.shape == (2, 2)

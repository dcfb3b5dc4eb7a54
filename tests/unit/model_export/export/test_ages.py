"""Models that read the age of interactions."""

import dataclasses

import numpy as np
import pytest

from alsolike.bundle.manifest import HistoryParameters
from alsolike.declarations.times import DAY_MS
from functions.recommend.state.model import History
from functions.recommend.state.model import Model as ServedModel
from model_export import algorithms
from model_export.api import Model
from model_export.data.interactions import Histories, Interactions
from model_export.export.parity import check_parity
from model_export.export.writer import write_graphs
from tests.builders.bundles import write_bundle


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


def histories():
    rows = Interactions.from_rows(
        user=np.array([0, 0, 1]), item=np.array([1, 2, 3]), time_ms=np.array([0, 3 * DAY_MS, 2 * DAY_MS]),
        weight=np.ones(3), users=2, items=4,
    )  # fmt: skip
    parameters = HistoryParameters(length=2, half_life_days=7.0, event_weights={})
    now_ms = np.full(2, 4 * DAY_MS)
    return rows.histories(starts=rows.offsets[:-1], ends=rows.offsets[1:], now_ms=now_ms, parameters=parameters)


MODEL = Fresh(settings=algorithms.known()["popularity"], items=4)


def test_ages_are_days_before_the_request():
    found = histories()

    assert found.items.tolist() == [[1, 2], [0, 3]]
    assert found.ages[0].tolist() == [4.0, 1.0]
    assert found.ages[1, 1] == 2.0
    assert found.rows(slice(1, 2)).ages[0, 1] == 2.0


def test_histories_without_ages_have_age_0():
    found = Histories(items=np.ones((2, 3), np.int64), weights=np.ones((2, 3), np.float32))

    assert found.ages.tolist() == [[0.0] * 3] * 2


def test_graph_with_ages_scores_like_its_model(tmp_path):
    write_graphs(MODEL, tmp_path)

    check_parity(MODEL, tmp_path, histories(), k=4)


def test_serving_passes_ages_to_the_graph(tmp_path):
    write_bundle(tmp_path)
    write_graphs(MODEL, tmp_path)
    served = ServedModel(tmp_path)
    history = History(np.array([1, 2]), event_weights=[1.0, 1.0], event_time_ms=[0, 3 * DAY_MS])

    items, scores = served.rank(history, k=4, now_ms=4 * DAY_MS, leave_out_seen=False)
    without = served.ablation_scores(history, np.array([1, 2]), latest=1, now_ms=4 * DAY_MS)

    assert items.tolist() == [2, 1]
    assert scores.tolist() == pytest.approx([1 / 2, 1 / 5])
    assert without.shape == (2, 2)

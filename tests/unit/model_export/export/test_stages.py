"""Number of stages in an export: the faster choice with sufficient recall."""

import numpy as np
import pytest

from alsolike.bundle.files import GRAPH_FILES
from model_export.algorithms.blend import Blend, BlendModel
from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.export import stages
from model_export.export.parity import check_parity
from model_export.export.stages import MIN_RECALL, Stages, Tried, choose, export_graphs, worth_trying
from model_export.graph.two_stage import TwoStages
from tests.unit.model_export.embeddings import DIMENSIONS, Embeddings, random_histories

ITEMS = 100_000
FEW, SOME, ALL = TwoStages(32, 24), TwoStages(48, 64), TwoStages(64, 24)


@pytest.fixture(autouse=True)
def few_histories_are_sampled(monkeypatch):
    monkeypatch.setattr(stages, "SAMPLE", 32)


@pytest.fixture(scope="module")
def model():
    return Embeddings.random(items=ITEMS, dimensions=DIMENSIONS, spectrum=0.5)


def test_export_has_two_stages_only_if_faster_with_enough_recall(model, tmp_path):
    histories = random_histories(ITEMS, rows=40)

    found, parity = export_graphs(model, tmp_path, histories)

    one = next(tried for tried in found.tried if tried.two_stages is None)
    best_two = choose(found.tried)
    assert [tried.two_stages for tried in found.tried] == [None, *worth_trying(DIMENSIONS, ITEMS)]
    assert one.recall == 1.0
    assert found.stages == (1 if best_two == one else 2)
    assert best_two.recall >= MIN_RECALL
    assert best_two.median_ms <= one.median_ms
    assert parity.recall >= MIN_RECALL
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(GRAPH_FILES)
    check_parity(model, tmp_path, histories, min_recall=MIN_RECALL)


@pytest.mark.parametrize(
    ("tried", "chosen"),
    [
        ([Tried(None, 9.0, 1.0), Tried(FEW, 4.0, 0.9989), Tried(SOME, 5.0, 0.999), Tried(ALL, 6.0, 1.0)], SOME),
        ([Tried(None, 9.0, 1.0), Tried(FEW, 4.0, 0.9), Tried(ALL, 9.1, 1.0)], None),
        ([Tried(None, 9.0, 1.0), Tried(ALL, 9.0, 1.0)], None),
    ],
    ids=["fastest with enough recall", "slower", "no faster"],
)
def test_fastest_variant_with_enough_recall_is_selected(tried, chosen):
    assert choose(tried).two_stages == chosen


def test_few_items_and_other_models_have_one_stage_without_a_trial(tmp_path):
    few = Embeddings.random(items=30, dimensions=8, spectrum=0.5)
    popular = PopularityModel(settings=Popularity(), items=30, share=np.arange(31, dtype=np.float32))
    blend = BlendModel(settings=Blend(), items=30, models=(few, popular), weights=(1.0, 0.5))

    for model in (few, popular, blend):
        found, parity = export_graphs(model, tmp_path, random_histories(30, rows=5))

        assert found == Stages(1)
        assert parity.recall == 1.0

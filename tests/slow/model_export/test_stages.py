"""Exports of 200,000 items with isotropic vectors, for which two stages would lose items."""

import pytest

from model_export.export import stages
from model_export.export.stages import choose, export_graphs
from model_export.graph.two_stage import TwoStages
from tests.unit.model_export.embeddings import DIMENSIONS, MANY, Embeddings, random_histories


@pytest.fixture(autouse=True)
def few_histories_are_sampled(monkeypatch):
    monkeypatch.setattr(stages, "SAMPLE", 32)


def test_two_stages_with_a_low_recall_are_not_chosen(tmp_path):
    """Without a decay of the spectrum, half of the axes contain half of the information."""
    isotropic = Embeddings.random(items=MANY, dimensions=DIMENSIONS, spectrum=0.0)

    found, _ = export_graphs(isotropic, tmp_path, random_histories(MANY, rows=20))

    half = next(tried for tried in found.tried if tried.two_stages == TwoStages(DIMENSIONS // 2, 24))
    assert half.recall < 0.9
    assert choose(found.tried) != half


def test_overestimated_recall_leaves_no_item_out_of_the_export(tmp_path, monkeypatch):
    """The test chooses the graph with the lowest sampled recall.

    The parity check rejects the graph, so one stage is used.
    """
    isotropic = Embeddings.random(items=MANY, dimensions=DIMENSIONS, spectrum=0.0)
    monkeypatch.setattr(stages, "choose", lambda tried: min(tried, key=lambda one: one.recall))

    found, parity = export_graphs(isotropic, tmp_path, random_histories(MANY, rows=10))

    assert (found.stages, parity.recall) == (1, 1.0)

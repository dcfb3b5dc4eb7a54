"""Chunks of scored histories have a size that does not depend on the number of users."""

import numpy as np
import pytest

from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.data.chunks import chunks
from model_export.data.interactions import Histories
from model_export.evaluation import splits
from model_export.evaluation.ranking import evaluate
from model_export.export.parity import check_parity
from model_export.export.writer import write_graphs
from tests.unit.model_export.shops import interactions


@pytest.fixture
def batches(monkeypatch):
    sizes: list[int] = []
    score = PopularityModel.score

    def counted(model, histories):
        sizes.append(len(histories))
        return score(model, histories)

    monkeypatch.setattr(PopularityModel, "score", counted)
    return sizes


@pytest.mark.parametrize(
    ("items", "length", "pairs", "at_once"),
    [
        (99_999, 100, True, 10),  # 4 bytes per item.
        (9, 100, False, 100),  # 400 bytes per interaction.
        (9, 1_000, False, 10),
        (9, 1_000, True, 1),  # 4 bytes per pair of interactions.
        (9_999_999, 100, False, 1),
    ],
)
def test_chunk_size_is_that_of_the_byte_limit(items, length, pairs, at_once):
    found = list(chunks(200, items=items, length=length, max_bytes=4_000_000, pairs=pairs))

    assert found[0] == slice(0, at_once)
    assert np.concatenate([np.arange(200)[rows] for rows in found]).tolist() == list(range(200))


def test_users_of_few_items_are_evaluated_in_chunks(batches):
    split = splits.leave_one_out(interactions([[1, 2, 3, 4]] * 900))

    evaluate(Popularity().fit(split.test.fit), split.test.queries, k=2)

    assert batches == [419, 419, 62]  # 16 MiB / (400 bytes * 100 interactions)


def test_graphs_are_run_with_few_long_histories_at_a_time(batches, tmp_path):
    model = Popularity().fit(interactions([[1, 2, 3, 4]] * 5))
    write_graphs(model, tmp_path)
    histories = Histories(items=np.ones((8, 1_000), np.int64), weights=np.ones((8, 1_000), np.float32))

    check_parity(model, tmp_path, histories)

    # A chunk has at most 32 MiB / (4 bytes * 1,000^2) = 8 histories. The chunks are the given histories, histories of
    # one item, histories with scattered padding, an empty history, and a history with all items excluded.
    assert batches == [8, 8, 8, 1, 1]

"""Rerankers in simulated shops whose true click probabilities are known."""

import numpy as np
import pytest

from benchmarks.reranking import measure

SEEDS = range(21, 36)


@pytest.mark.parametrize("swaps", [0.0, 0.2])
@pytest.mark.parametrize("signal", [True, False])
def test_reranker_that_harms_is_never_on(swaps, signal):
    """Relevance falls with the logarithm of the rank, and users look at place k with probability k^-0.3."""
    found = [measure(4_000, seed=seed, swaps=swaps, signal=signal, decay=0.3, relevance="rank") for seed in SEEDS]

    assert sum(one.choice.reranker is not None and one.reranked < one.score for one in found) == 0


def test_reranker_of_random_pairs_recovers_most_of_the_true_gain():
    found = [measure(8_000, seed=seed) for seed in SEEDS]

    on = [one for one in found if one.choice.reranker is not None]
    assert len(on) >= len(found) - 1
    assert np.mean([one.recovered for one in on]) >= 0.8

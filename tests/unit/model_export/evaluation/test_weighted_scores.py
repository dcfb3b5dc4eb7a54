"""Evaluation of weighted sums of scores on few candidates equals the evaluation on all items."""

import functools

import numpy as np
import pytest

from model_export.data import chunks
from model_export.evaluation import weighted_scores as module
from model_export.evaluation.metrics import gains, rank_targets
from model_export.evaluation.ranking import mean
from model_export.evaluation.splits import Queries
from model_export.evaluation.weighted_scores import WeightedScores
from tests.unit.model_export.shops import interactions

USERS, ITEMS, K = 40, 400, 5
RNG = np.random.default_rng(0)
PASTS = [RNG.choice(ITEMS, 6, replace=False) + 1 for _ in range(USERS)]
TARGETS = [np.sort(RNG.choice(ITEMS, size, replace=False) + 1) for size in RNG.integers(0, 12, USERS)]
SOURCE = interactions([past.tolist() for past in PASTS], items=ITEMS)
QUERIES = Queries(
    source=SOURCE,
    starts=SOURCE.offsets[:-1],
    ends=SOURCE.offsets[1:],
    now_ms=np.zeros(USERS, np.int64),
    targets=np.concatenate(TARGETS),
    target_offsets=np.cumsum([0, *map(len, TARGETS)]),
)


def scores(case):
    dense = RNG.random((USERS, ITEMS + 1)).astype(np.float32)
    sparse = np.where(RNG.random(dense.shape) < 0.02, RNG.random(dense.shape), 0).astype(np.float32)
    tied = np.round(RNG.random(dense.shape), 1).astype(np.float32)
    models = {"dense": dense, "sparse": sparse, "tied": tied}
    if case == "flat":  # No candidate stands out, so no list is certain.
        models["dense"] = np.ones_like(dense)
    for model_scores in models.values():
        model_scores[:, 0] = 0
        for user in range(0, USERS, 2):  # The targets of every second user have high scores.
            model_scores[user, TARGETS[user]] += np.float32(0.5) * (model_scores[user, TARGETS[user]] > 0)
    return models


def weighted(models, *, seen="allowed", called=None):
    user = {tuple(past): number for number, past in enumerate(PASTS)}

    def score(name, histories):
        if called is not None:
            called.append(name)
        return models[name][[user[tuple(items[items > 0])] for items in histories.items]]

    return WeightedScores(
        {name: functools.partial(score, name) for name in models}, QUERIES, half_life_days=1.0, k=K, seen=seen
    )


def ndcg_over_all(models, weights, seen):
    hits, counts = [], []
    for user in range(USERS):
        total = np.zeros(ITEMS + 1, np.float32)
        for name in sorted(models):
            total += np.float32(weights.get(name, 0.0)) * models[name][user]
        targets = TARGETS[user]
        if seen == "masked":
            total[PASTS[user]] = 0
            targets = np.setdiff1d(targets, PASTS[user])
        total[total <= 0] = -np.inf
        if len(targets):
            hits.append(rank_targets(total, targets, K))
            counts.append(len(targets))
    return float(gains(np.array(hits), np.array(counts)).mean())


@pytest.mark.parametrize("seen", ["masked", "allowed"])
@pytest.mark.parametrize("candidates", [6, 20, 1_000])
@pytest.mark.parametrize("case", ["usual", "flat"])
def test_metrics_of_candidates_equal_those_of_all_items(monkeypatch, case, candidates, seen):
    monkeypatch.setattr(module, "CANDIDATES", candidates)
    monkeypatch.setattr(chunks, "CACHED_BYTES", 7 * 4 * SOURCE.history_length * chunks.PLACE_NUMBERS)
    models = scores(case)
    sums = weighted(models, seen=seen)

    for _ in range(20):
        weights = {name: float(RNG.choice([0.0, 0.05, 0.4, 1.0, 3.2])) for name in models}
        assert mean(sums.gains(weights)) == ndcg_over_all(models, weights, seen)


def test_uncertain_list_is_ranked_without_models_of_weight_0(monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 2)
    called: list[str] = []
    sums = weighted(scores("flat"), called=called)
    called.clear()

    sums.gains({"dense": 1.0, "tied": 0.0})

    assert set(called) == {"dense"}


def test_order_of_models_does_not_change_the_result():
    models = scores("usual")
    weights = {"tied": 0.4, "dense": 1.0, "sparse": 0.05}
    shuffled = {name: models[name] for name in ("tied", "sparse", "dense")}

    found = weighted(models).gains(weights)

    other = weighted(shuffled).gains(dict(sorted(weights.items())))
    np.testing.assert_array_equal(found, other)


def test_zero_scores_have_ndcg_zero():
    nothing = {"nothing": np.zeros((USERS, ITEMS + 1), np.float32)}

    assert weighted(nothing).gains({"nothing": 1.0}).max() == 0
    assert weighted(scores("usual")).gains({}).max() == 0

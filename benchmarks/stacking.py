"""`python -m benchmarks.stacking SET`: blends per segment of users, compared with the blend; docs/algorithms.md.

Segments are thirds of the users by the length of their history. Models are fitted without the validation targets, so
their scores are out of fold for the weights. Weights are learned twice per segment: by the search of `blend`, and by a
regression on the logarithms of the models' scores. The weights of a segment are evaluated on its test users.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import optimize

from alsolike.runtime.errors import InvalidInput
from benchmarks.page import write_section
from benchmarks.published import PUBLISHED
from benchmarks.quality import SHOPS, read_set, split_of
from model_export.algorithms import known, missing
from model_export.algorithms.blend import Blend, share
from model_export.api import Algorithm, Model, Scorers
from model_export.data.interactions import Floats, Ints
from model_export.data.top_n import best_items
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.fit_cache import Fits
from model_export.evaluation.ranking import (
    BOTH,
    Gains,
    Hits,
    Seen,
    gains,
    histories,
    mean,
    open_targets,
    with_open_targets,
)
from model_export.evaluation.selection import MAX_VALIDATION_QUERIES, Comparison
from model_export.evaluation.splits import Queries, Split
from model_export.evaluation.weighted_scores import WeightedScores

K = 10
PAGE = Path("docs/algorithms.md")
SEGMENTS = 3
BATCH_USERS = 256
CANDIDATES = 100
"""Number of best items per model and user among which the regression discriminates the targets."""

SMALLEST = 1e-5
"""Share of a model's scores that is added before the logarithm, so that a score of 0 has a finite logarithm."""

PENALTY = 1e-3
"""Weight of the squared distance of a segment's weights from equal weights of 1."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stacking", description=__doc__)
    parser.add_argument("name", metavar="set", choices=[*PUBLISHED, "ml-100k", *SHOPS])
    parser.add_argument("--interactions", type=Path, help="as in benchmarks.quality")
    parser.add_argument("--items", type=Path, help="as in benchmarks.quality")
    parser.add_argument("--without", default="sasrec", help="algorithms to leave out, comma-separated; sasrec")
    options = parser.parse_args(arguments)
    shop = options.name in SHOPS
    try:
        with tempfile.TemporaryDirectory() as directory:
            data = read_set(options.name, options.interactions, options.items, Path(directory))
        split = split_of(data, days=28.0 if shop else None)
    except InvalidInput as error:
        raise SystemExit(str(error)) from error
    excluded = {*options.without.split(","), "distilled"}
    algorithms = {name: each for name, each in known().items() if name not in excluded and missing(each) is None}
    section = "\n".join(table(split, algorithms, BOTH if shop else ("masked",)))
    write_section(PAGE, f"stacking {options.name}", section)
    sys.stdout.write(section + "\n")


def table(split: Split, algorithms: Mapping[str, Algorithm], protocols: Sequence[Seen]) -> Iterator[str]:
    yield f"| past | weights | NDCG@{K} | compared with the blend | 95% interval |"
    yield "|---|---|---|---|---|"
    fits = Fits()
    for seen in protocols:
        comparison = Comparison(split, k=K, seen=seen, fits=fits, say=lambda line: print(line, file=sys.stderr))
        *singles, blend = comparison.candidates(algorithms)
        parts = {each.settings.name: each.settings for each in singles if each.validation_gains.any()}
        learned = with_open_targets(split.validation.queries.sample(MAX_VALIDATION_QUERIES), seen)
        tested = with_open_targets(split.test.queries, seen)
        fit = {name: fits.fit(settings, split.validation.fit) for name, settings in parts.items()}
        refit = {name: fits.fit(settings, split.test.fit) for name, settings in parts.items()}
        searched, regressed = np.zeros(len(tested)), np.zeros(len(tested))
        for segment in range(SEGMENTS):
            some = learned.select(np.flatnonzero(segments(learned) == segment))
            users = np.flatnonzero(segments(tested) == segment)
            if not len(some) or not len(users):
                continue
            others = tested.select(users)
            settings = Blend().search(fit, SegmentJudge(some, seen))
            searched[users] = gains(fits.fit(settings, split.test.fit), others, k=K, seen=seen)
            weights = regression(fit, some, seen=seen)
            print(f"segment {segment}: {settings.describe()}; {weights}", file=sys.stderr)
            regressed[users] = stacked_gains(refit, weights, others, seen=seen)
        yield f"| {seen} | the blend's | {blend.quality.ndcg:.4f} | | |"
        for name, found in (("searched per segment", searched), ("regression per segment", regressed)):
            low, high = interval(found - blend.quality.gains)
            yield (
                f"| {seen} | {name} | {mean(found):.4f} | {mean(found) - blend.quality.ndcg:+.4f} "
                f"| {low:+.4f} to {high:+.4f} |"
            )


def segments(queries: Queries) -> Ints:
    """Return the segment of each query, 0 for the shortest histories, int64 `(queries,)`.

    Equal lengths are in one segment.
    """
    lengths = queries.ends - queries.starts
    bounds = np.quantile(lengths, np.arange(1, SEGMENTS) / SEGMENTS)
    return np.searchsorted(bounds, lengths, side="left").astype(np.int64)


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentJudge:
    """`Judge` that measures the NDCG on the validation users of one segment."""

    queries: Queries
    seen: Seen

    def ndcg_by_weights(
        self, _: Hashable, half_life_days: float, scorers: Scorers
    ) -> Callable[[Mapping[str, float]], float]:
        scores = WeightedScores(scorers, self.queries, half_life_days=half_life_days, k=K, seen=self.seen)
        return lambda weights: mean(scores.gains(weights))


def regression(models: Mapping[str, Model], queries: Queries, *, seen: Seen) -> Floats:
    """Return a weight of at least 0 per model, `(models,)`.

    The weights minimise the cross-entropy of the targets under a softmax over each user's candidates. The features are
    the values of `_log_shares`, as in a product of experts (G. Hinton, "Training products of experts by minimizing
    contrastive divergence", Neural Computation 2002, equation 1). `PENALTY` keeps the weights close to 1.
    """
    users = list(_candidates(models, queries, seen=seen))
    features = np.concatenate([features for features, _ in users]).astype(np.float64)  # (candidates, models)
    is_target = np.concatenate([is_target for _, is_target in users])
    starts = np.cumsum([0, *(len(is_target) for _, is_target in users)])[:-1]
    user = np.repeat(np.arange(len(users)), [len(is_target) for _, is_target in users])
    share_of_targets = is_target / np.add.reduceat(is_target.astype(np.float64), starts)[user]

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        logits = features @ weights
        logits -= np.maximum.reduceat(logits, starts)[user]
        total = np.add.reduceat(np.exp(logits), starts)
        chances = np.exp(logits) / total[user]
        value = -(logits @ share_of_targets - np.log(total).sum()) / len(users)
        slope = features.T @ (chances - share_of_targets) / len(users)
        return value + PENALTY * ((weights - 1) ** 2).sum(), slope + 2 * PENALTY * (weights - 1)

    start = np.ones(len(models))
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(models))
    return np.asarray(found.x, np.float32)


def stacked_gains(models: Mapping[str, Model], weights: Floats, queries: Queries, *, seen: Seen) -> Gains:
    """Return the NDCG of each user for the weighted sum of the models' `_log_shares`."""
    hits = Hits(K)
    for chunk, logs in _log_shares(models, queries):
        total = np.tensordot(weights, logs, axes=1)  # (users, items + 1)
        for query, scores in enumerate(total):
            hits.add(scores, open_targets(scores, chunk, query, seen))
    return hits.gains()


def _candidates(
    models: Mapping[str, Model], queries: Queries, *, seen: Seen
) -> Iterator[tuple[Floats, npt.NDArray[np.bool_]]]:
    """Yield the candidates' features, `(candidates, models)`, and a mask of the targets, per user.

    Targets that no model has among its best items are ignored, because no weights could rank them high. Users without
    other targets are omitted.
    """
    for chunk, logs in _log_shares(models, queries):
        for query in range(len(chunk)):
            rows = logs[:, query].copy()
            targets = np.zeros(0, np.int64)
            for row in rows:
                targets = open_targets(row, chunk, query, seen)
            best = [best_items(np.where(row > 0, row, -np.inf), CANDIDATES) for row in rows]
            candidates = np.unique(np.concatenate(best))
            is_target = np.isin(candidates, targets)
            if is_target.any():
                yield rows[:, candidates].T, is_target


def _log_shares(models: Mapping[str, Model], queries: Queries) -> Iterator[tuple[Queries, Floats]]:
    """Yield batches of queries with log(share / `SMALLEST` + 1) of each model, `(models, users, items + 1)`.

    A share is a score divided by the sum of the model's scores for this user.
    """
    for start in range(0, len(queries), BATCH_USERS):
        chunk = queries.select(np.arange(start, min(start + BATCH_USERS, len(queries))))
        logs = np.stack(
            [
                np.log1p(share(model.score(histories(chunk, half_life_days=model.settings.half_life_days))) / SMALLEST)
                for model in models.values()
            ]
        )
        yield chunk, logs


if __name__ == "__main__":
    main(sys.argv[1:])

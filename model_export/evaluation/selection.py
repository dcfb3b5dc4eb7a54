"""Comparison of algorithms: the validation part selects settings and the winner, the test part only evaluates them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence

import numpy as np

from alsolike.declarations.training import FITS
from model_export.algorithms import by_default, missing
from model_export.api import Algorithm, Combination, Model, Scorers
from model_export.data.interactions import Interactions, Ints
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.diversity import Kinds
from model_export.evaluation.fit_cache import Fits
from model_export.evaluation.ranking import Gains, Quality, Seen, evaluate, gains, mean, with_open_targets
from model_export.evaluation.resource_budget import QUICK_S, Budget
from model_export.evaluation.splits import Queries, Split
from model_export.evaluation.weighted_scores import WeightedScores

MAX_VALIDATION_QUERIES = 5_000
"""Maximum number of validation users, which limits the duration of the comparison."""

BASELINE = "popularity"
"""Baseline of the comparison and of the gate. Its cost is negligible, so it is compared with every budget."""

MIN_CHANGED_USERS = 10
"""Minimum number of validation users whose NDCG a combination must change. With fewer users, the interval is too
narrow.
"""

FOLDS = 2
"""Number of groups of validation users for the cross-fitting of combinations."""

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """Algorithm after the comparison.

    Attributes
    ----------
    settings
        Settings selected on the validation part.
    validation_gains
        NDCG@k of each validation user. It is cross-fitted for combinations, see `Comparison`.
    quality
        Metrics of the test part.
    fit_s, peak_mb
        Duration and peak memory of the fit for the test. A combination has the sum and the maximum of its components.
    """

    settings: Algorithm
    validation_gains: Gains
    quality: Quality
    fit_s: float
    peak_mb: float

    @property
    def validation_ndcg(self) -> float:
        return mean(self.validation_gains)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """Return the winner on the validation part: the best single algorithm, or a significantly better combination.

    A combination costs more to serve. Therefore, the interval of its gain over the best single algorithm must be above
    0, and it must change the NDCG of at least `MIN_CHANGED_USERS` users. If several combinations qualify, the
    combination with the highest NDCG wins.
    """
    best = _best_single(candidates)
    better = [each for each in _combinations(candidates) if is_better(each.validation_gains, best.validation_gains)]
    return max(better, key=lambda each: each.validation_ndcg, default=best)


def is_better(gains: Gains, others: Gains) -> bool:
    ahead = gains - others
    return bool(np.count_nonzero(ahead) >= MIN_CHANGED_USERS and interval(ahead)[0] > 0)


def selection_reason(candidates: Sequence[Candidate], winner: Candidate) -> str:
    best, name = _best_single(candidates), winner.settings.name
    above = [each for each in _combinations(candidates) if each.validation_ndcg > best.validation_ndcg]
    if not above:
        return f"{name} is selected: it has the highest NDCG on the validation set, {winner.validation_ndcg:.4f}"
    combination = max(above, key=lambda each: each.validation_ndcg) if winner is best else winner
    ahead = combination.validation_gains - best.validation_gains
    (low, high), changed = interval(ahead), np.count_nonzero(ahead)
    gain = f"{combination.settings.name} gains {combination.validation_ndcg - best.validation_ndcg:.4f} over the best "
    gain += f"single algorithm, {best.settings.name}, on the validation set"
    if low > 0 and changed < MIN_CHANGED_USERS:
        return f"{name} is selected: {gain}, but changes only {changed} users, and {MIN_CHANGED_USERS} are needed"
    verdict = "is above 0" if low > 0 else "includes 0"
    return f"{name} is selected: {gain}, and the 95% interval of the gain, {low:.4f} to {high:.4f}, {verdict}"


def _combinations(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [each for each in candidates if isinstance(each.settings, Combination)]


def _best_single(candidates: Sequence[Candidate]) -> Candidate:
    """Return the best single algorithm, or the best combination if no single algorithm is compared."""
    singles = [each for each in candidates if not isinstance(each.settings, Combination)]
    return max(singles or candidates, key=lambda each: each.validation_ndcg)


class Comparison:
    """Comparison of algorithms on a split, with one treatment of items in the history.

    Fits are cached: settings that affect only scoring, combinations, and splits with the same training data need no
    second fit.

    The validation NDCG of a combination is cross-fitted: the settings for one half of the validation users come from a
    search on the other half, because settings look too good for the users that selected them. The candidate's settings
    come from a search on all validation users.

    References
    ----------
    V. Chernozhukov et al., "Double/debiased machine learning for treatment and structural parameters", The Econometrics
    Journal 21, 2018, section 3.
    """

    def __init__(
        self, split: Split, *, k: int, seen: Seen, fits: Fits, say: Say, budget: Budget | None = None,
        kinds: Kinds | None = None,
    ) -> None:  # fmt: skip
        self._kinds = kinds
        self._split, self._k, self._seen, self._fits, self._say = split, k, seen, fits, say
        self._budget = budget or Budget()
        self._validation = with_open_targets(split.validation.queries.sample(MAX_VALIDATION_QUERIES), seen)
        self._tuned: dict[Algorithm, Gains] = {}
        self.left_out: dict[str, str] = {}

    def candidates(self, algorithms: Mapping[str, Algorithm]) -> Iterator[Candidate]:
        """Yield the candidate of each algorithm, combinations last. Algorithms that cannot be fitted, or exceed the
        budget, are excluded.

        A combination combines the compared single algorithms, or the default single algorithms if none is compared.
        Algorithms without hits are omitted, unless no algorithm has hits.
        """
        tuned = {}
        for name, algorithm in _singles(algorithms).items():
            if self._possible(algorithm):
                model, found = tuned[name] = self._tune(algorithm)
                yield self._test(model.settings, found)
        for algorithm in algorithms.values():
            if isinstance(algorithm, Combination) and self._possible(algorithm):
                tuned = tuned or {
                    name: self._tune(part) for name, part in _singles(by_default()).items() if self._possible(part)
                }
                if tuned:
                    yield self.combination(algorithm, [model.settings for model in _with_hits(tuned).values()])

    def combination(self, algorithm: Combination, parts: Collection[Algorithm]) -> Candidate:
        models = {part.name: self._fits.fit(part, self._split.validation.fit) for part in parts}
        return self._test(*self._search(algorithm, models))

    def _possible(self, algorithm: Algorithm) -> bool:
        """Return true if the algorithm can be fitted within the budget. Otherwise, log and store the reason.

        Combinations, the baseline and fits of other processes do not use the budget.
        """
        past = self._split.validation.fit
        reason = missing(algorithm) or _uncountable(algorithm, past) or algorithm.unsupported_reason(past)
        is_free = isinstance(algorithm, Combination) or algorithm.name == BASELINE
        if reason is None and not is_free and not self._fits.are_expected(algorithm, past):
            reason = self._budget.unsupported_reason(algorithm, past)
        if reason is not None:
            self.left_out[algorithm.name] = reason
            self._say(f"{algorithm.name} is left out: {reason}")
        elif (cost := algorithm.fit_cost(past)) and FITS * cost.seconds > QUICK_S:
            self._say(f"{algorithm.name}: its {FITS} fits take about {FITS * cost.seconds:,.0f} processor seconds")
        return reason is None

    def _tune(self, algorithm: Algorithm) -> tuple[Model, Gains]:
        """Return the model with the best settings of the grid, the first among ties, and its NDCG per user."""
        best: tuple[Model, Gains] | None = None
        for settings in algorithm.param_grid():
            with logged(self._say):
                model = self._fits.fit_with_early_stopping(
                    settings, self._split.validation.fit, lambda each: mean(self._gains(each))
                )
            found = self._gains(model)
            self._say(f"{algorithm.name}: validation ndcg {mean(found):.4f} with {model.settings.describe()}")
            if best is None or mean(found) > mean(best[1]):
                best = model, found
        if best is None:
            raise ValueError(f"algorithm {algorithm.name!r} has no alternatives, expected at least the defaults")
        self._tuned[best[0].settings] = best[1]
        return best

    def _search(self, algorithm: Combination, tuned: Mapping[str, Model]) -> tuple[Algorithm, Gains]:
        validation = _Validation(self._validation, k=self._k, seen=self._seen, tuned=self._tuned)
        settings = algorithm.search(tuned, _Judge(validation, np.arange(len(self._validation))))
        found = self._cross_fitted(algorithm, tuned, settings, validation)
        self._say(f"{algorithm.name}: validation ndcg {mean(found):.4f} with {settings.describe()}")
        return settings, found

    def _cross_fitted(
        self, algorithm: Combination, tuned: Mapping[str, Model], settings: Algorithm, validation: _Validation
    ) -> Gains:
        fold = np.arange(len(self._validation)) % FOLDS
        found = np.zeros(len(fold))
        for number in range(FOLDS):
            users, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            selected = algorithm.search(tuned, _Judge(validation, others)) if len(others) else settings
            model = self._fits.fit(selected, self._split.validation.fit)
            found[users] = gains(model, self._validation.select(users), k=self._k, seen=self._seen)
        return found

    def _test(self, settings: Algorithm, validation_gains: Gains) -> Candidate:
        with logged(self._say):
            model = self._fits.fit(settings, self._split.test.fit)
        cost = self._fits.cost(settings, self._split.test.fit)
        queries = self._split.test.queries
        quality = evaluate(model, queries, k=self._k, seen=[self._seen], kinds=self._kinds)[self._seen]
        self._say(f"{settings.name}: test hr {quality.hr:.4f} ndcg {quality.ndcg:.4f}, fitted in {cost.seconds:.1f} s")
        return Candidate(
            settings=settings,
            validation_gains=validation_gains,
            quality=quality,
            fit_s=cost.seconds,
            peak_mb=cost.peak_mb,
        )

    def _gains(self, model: Model) -> Gains:
        return gains(model, self._validation, k=self._k, seen=self._seen)


def _uncountable(algorithm: Algorithm, interactions: Interactions) -> str | None:
    if interactions.counts is None or algorithm.fits_from_statistics():
        return None
    return "it cannot be fitted from the dataset's statistics, and the interactions in it are of some users only"


def _singles(algorithms: Mapping[str, Algorithm]) -> dict[str, Algorithm]:
    return {name: algorithm for name, algorithm in algorithms.items() if not isinstance(algorithm, Combination)}


def _with_hits(tuned: Mapping[str, tuple[Model, Gains]]) -> dict[str, Model]:
    """Omit models without hits, which would use memory in the search and could determine the half-life of a blend.

    If no model has a hit, return all models.
    """
    finding = {name: model for name, (model, found) in tuned.items() if found.any()}
    return finding or {name: model for name, (model, _) in tuned.items()}


class _Validation:
    """Validation users of a combination's searches.

    Searches on different groups of users share the models' scores, and the NDCG per user of weights that were already
    tried. `tuned` has the NDCG per user of single models.
    """

    def __init__(self, queries: Queries, *, k: int, seen: Seen, tuned: Mapping[Algorithm, Gains]) -> None:
        self._queries, self._k, self._seen = queries, k, seen
        self._latest: tuple[Hashable, WeightedScores] | None = None
        self._known: dict[Hashable, Gains] = {
            (settings, frozenset({(settings.name, 1.0)})): found for settings, found in tuned.items()
        }

    def gains(self, key: Hashable, half_life_days: float, scorers: Scorers, weights: Mapping[str, float]) -> Gains:
        """Return the NDCG@k of each user for these weights. Memory holds the scores of the latest key only."""
        place = key, frozenset((name, weight) for name, weight in weights.items() if weight)
        if place not in self._known:
            if self._latest is None or self._latest[0] != key:
                self._latest = None
                users = self._queries
                scores = WeightedScores(scorers, users, half_life_days=half_life_days, k=self._k, seen=self._seen)
                self._latest = key, scores
            self._known[place] = self._latest[1].gains(weights)
        return self._known[place]


@dataclasses.dataclass(frozen=True, slots=True)
class _Judge:
    """`Judge` that measures the NDCG on a part of the validation users, given by their indices."""

    validation: _Validation
    users: Ints

    def ndcg_by_weights(
        self, key: Hashable, half_life_days: float, scorers: Scorers
    ) -> Callable[[Mapping[str, float]], float]:
        return lambda weights: mean(self.validation.gains(key, half_life_days, scorers, weights)[self.users])


@contextlib.contextmanager
def logged(say: Say) -> Iterator[None]:
    """Pass log messages of `model_export` to `say` while the body runs."""

    class SayHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    logger, handler = logging.getLogger("model_export"), SayHandler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)

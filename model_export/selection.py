"""Compares algorithms: settings are chosen on the validation part, figures come from the test part.

Figures of the test part never choose anything, settings or winner.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from model_export.algorithm import Algorithm, Combination, Judge, Model
from model_export.algorithms import known
from model_export.evaluate import Quality, Seen, evaluate, histories, ndcg, ndcg_of_scores
from model_export.interactions import Floats, Interactions
from model_export.protocols import Queries, Split
from model_export.resources import Cost, measured

MOST_VALIDATION_QUERIES = 5_000
"""More users would choose the same settings, later."""

SEARCH_BYTES = 512 << 20
"""Memory for the score matrices of a blend's search."""

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """One algorithm after the comparison.

    Attributes
    ----------
    settings
        Chosen on the validation part.
    validation_ndcg
        NDCG@k there.
    quality
        Figures of the test part.
    fit_s, peak_mb
        Cost of the fit that was tested; a combination's is the sum, and the largest, of its parts'.
    """

    settings: Algorithm
    validation_ndcg: float
    quality: Quality
    fit_s: float
    peak_mb: float


class Comparison:
    """Algorithms compared on one split for one way of treating seen items.

    Fits are kept, so that settings that only concern reading, combinations, and protocols whose parts share their
    interactions cost no second fit.

    Parameters
    ----------
    seen
        How settings are chosen: "masked" or "allowed".
    say
        Called with one line as work proceeds.
    """

    def __init__(self, split: Split, *, k: int, seen: Seen, fits: Fits, say: Say) -> None:
        self._split, self._k, self._seen, self._fits, self._say = split, k, seen, fits, say
        self._validation = split.validation.queries.sample(MOST_VALIDATION_QUERIES)

    def candidates(self, algorithms: Mapping[str, Algorithm]) -> Iterator[Candidate]:
        """Yield each algorithm's candidate, combinations last.

        A combination combines the algorithms that are compared with it; if there are none, all others.
        """
        tuned = {}
        for name, algorithm in _singles(algorithms).items():
            model, validation_ndcg = tuned[name] = self._tune(algorithm)
            yield self._test(model.settings, validation_ndcg)
        parts = {name: model for name, (model, _) in tuned.items()}
        for algorithm in algorithms.values():
            if isinstance(algorithm, Combination):
                parts = parts or {name: self._tune(part)[0] for name, part in _singles(known()).items()}
                yield self._test(*self._search(algorithm, parts))

    def _tune(self, algorithm: Algorithm) -> tuple[Model, float]:
        """Return the model with the best alternative's settings, the first among equals, and its NDCG."""
        best: tuple[Model, float] | None = None
        for settings in algorithm.alternatives():
            model = self._fits.fit(settings, self._split.validation.fit)
            found = ndcg(model, self._validation, k=self._k, seen=self._seen)
            self._say(f"{algorithm.name}: validation ndcg {found:.4f} with {settings.describe()}")
            if best is None or found > best[1]:
                best = model, found
        if best is None:
            raise ValueError(f"algorithm {algorithm.name!r} has no alternatives, expected at least the defaults")
        return best

    def _search(self, algorithm: Combination, tuned: Mapping[str, Model]) -> tuple[Algorithm, float]:
        """Return a combination's best settings and their NDCG."""
        items = self._split.validation.fit.items
        queries = self._validation.sample(max(1, SEARCH_BYTES // (4 * (items + 1) * (len(tuned) + 2))))
        settings = algorithm.search(tuned, _judge(queries, k=self._k, seen=self._seen))
        model = self._fits.fit(settings, self._split.validation.fit)
        found = ndcg(model, self._validation, k=self._k, seen=self._seen)
        self._say(f"{algorithm.name}: validation ndcg {found:.4f} with {settings.describe()}")
        return settings, found

    def _test(self, settings: Algorithm, validation_ndcg: float) -> Candidate:
        model = self._fits.fit(settings, self._split.test.fit)
        cost = self._fits.cost(settings, self._split.test.fit)
        quality = evaluate(model, self._split.test.queries, k=self._k, seen=[self._seen])[self._seen]
        self._say(f"{settings.name}: test hr {quality.hr:.4f} ndcg {quality.ndcg:.4f}, fitted in {cost.seconds:.1f} s")
        return Candidate(
            settings=settings,
            validation_ndcg=validation_ndcg,
            quality=quality,
            fit_s=cost.seconds,
            peak_mb=cost.peak_mb,
        )


class Fits:
    """Fits once per interactions and learning settings, and remembers what it cost."""

    def __init__(self) -> None:
        self._models: dict[tuple[int, Algorithm], tuple[Model, Cost]] = {}
        self._interactions: dict[int, Interactions] = {}

    def fit(self, settings: Algorithm, interactions: Interactions) -> Model:
        """Return a model of these settings, fitted on these very interactions."""
        if isinstance(settings, Combination):
            return settings.combine([self.fit(part, interactions) for part in settings.components()])
        return self._fitted(settings, interactions)[0].read_with(settings)

    def cost(self, settings: Algorithm, interactions: Interactions) -> Cost:
        """Return what `fit` cost when it was not remembered yet."""
        if isinstance(settings, Combination):
            costs = [self.cost(part, interactions) for part in settings.components()]
            return Cost(seconds=sum(cost.seconds for cost in costs), peak_mb=max(cost.peak_mb for cost in costs))
        return self._fitted(settings, interactions)[1]

    def forget(self) -> None:
        """Drop the fitted models."""
        self._models.clear()
        self._interactions.clear()

    def _fitted(self, settings: Algorithm, interactions: Interactions) -> tuple[Model, Cost]:
        self._interactions[id(interactions)] = interactions  # kept alive, so that its id is not given away
        key = id(interactions), settings.learning_settings()
        if key not in self._models:
            with measured() as cost:
                model = key[1].fit(interactions)
            self._models[key] = model, cost
        return self._models[key]


def _singles(algorithms: Mapping[str, Algorithm]) -> dict[str, Algorithm]:
    return {name: algorithm for name, algorithm in algorithms.items() if not isinstance(algorithm, Combination)}


def _judge(queries: Queries, *, k: int, seen: Seen) -> Judge:
    def judged(scores: Floats) -> float:
        return ndcg_of_scores(scores, queries, k=k, seen=seen)

    return Judge(histories=lambda days: histories(queries, half_life_days=days), ndcg=judged)

"""Selection with one useful part and parts of noise rarely accepts useless combinations.

`python -m tests.slow.model_export.test_selection_chance` prints the table of docs/algorithms.md.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import numpy as np

from model_export.algorithms.blend import Blend
from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Interactions
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.fit_cache import Fits
from model_export.evaluation.ranking import gains, mean
from model_export.evaluation.selection import Comparison, is_better
from model_export.evaluation.splits import Part, Queries, Split

ITEMS, K, NOISE_PARTS = 200, 10, 6
USEFUL_SHARE = 0.4
"""Share of users whose target follows their latest item."""

FRESH_USERS, SHOPS = 1_000, 400


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noise(Algorithm):
    """Random scores, which are the same for the same history."""

    name: ClassVar[str] = "noise"
    seed: int = 0
    successor: float = 0.0

    def fit(self, interactions):
        return NoiseModel(settings=self, items=interactions.items)


class Useful(Noise):
    name = "useful"


NOISE = [type(f"Noise{number}", (Noise,), {"name": f"noise_{number}"}) for number in range(NOISE_PARTS)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoiseModel(Model):
    def score(self, histories):
        settings = self.settings
        assert isinstance(settings, Noise)
        item_scores = np.random.default_rng(settings.seed).random((self.items + 1, self.items + 1))
        scores: Floats = (item_scores[histories.items].sum(axis=1) % 1).astype(np.float32)
        scores[:, 0] = 0
        scores[np.arange(len(scores)), histories.items[:, -1] % self.items + 1] += np.float32(settings.successor)
        return scores

    def export(self, graph):
        raise NotImplementedError


def part_of(rng, users):
    pasts = np.array([rng.choice(ITEMS, 3, replace=False) + 1 for _ in range(users)])
    follows = rng.random(users) < USEFUL_SHARE
    targets = np.where(follows, pasts[:, -1] % ITEMS + 1, rng.integers(1, ITEMS + 1, users))
    source = Interactions.from_rows(
        user=np.repeat(np.arange(users), 3),
        item=pasts.ravel(),
        time_ms=np.tile(np.arange(3, dtype=np.int64), users),
        weight=np.ones(3 * users, np.float32),
        users=users,
        items=ITEMS,
    )
    queries = Queries(
        source=source,
        starts=source.offsets[:-1],
        ends=source.offsets[1:],
        now_ms=np.full(users, 3, np.int64),
        targets=targets,
        target_offsets=np.arange(users + 1),
    )
    return Part(fit=source, queries=queries, order=np.arange(1, ITEMS + 1))


class Shop(NamedTuple):
    """Mean gains of the blend over the useful part.

    `is_accepted` is decided by cross-fitted gains, and `was_accepted` by gains in sample.
    """

    in_sample: float
    cross_fitted: float
    fresh: float
    is_accepted: bool
    was_accepted: bool


def search(seed, users):
    rng = np.random.default_rng(seed)
    validation, fresh = part_of(rng, users), part_of(rng, FRESH_USERS)
    comparison = Comparison(
        Split("leave-one-out", validation, validation), k=K, seen="allowed", fits=Fits(), say=lambda _: None
    )
    useful = Useful(seed=seed, successor=2.0)
    noise = [part(seed=seed * 100 + number + 1) for number, part in enumerate(NOISE)]
    candidate = comparison.combination(Blend(), [useful, *noise])
    single, blend = useful.fit(validation.fit), candidate.settings.fit(validation.fit)
    base = gains(single, validation.queries, k=K, seen="allowed")
    in_sample = gains(blend, validation.queries, k=K, seen="allowed") - base
    cross_fitted = candidate.validation_gains - base
    on_fresh = gains(blend, fresh.queries, k=K, seen="allowed") - gains(single, fresh.queries, k=K, seen="allowed")
    return Shop(
        mean(in_sample),
        mean(cross_fitted),
        mean(on_fresh),
        is_better(candidate.validation_gains, base),
        interval(in_sample)[0] > 0,
    )


def test_useless_combinations_are_accepted_in_at_most_one_of_40_shops():
    shops = [search(seed, users) for users in (50, 200) for seed in range(SHOPS)]

    for begin in (0, SHOPS):
        assert np.mean([shop.is_accepted for shop in shops[begin : begin + SHOPS]]) <= 0.025
    assert np.mean([shop.fresh * shop.is_accepted for shop in shops]) >= -0.0002


if __name__ == "__main__":
    print("| users | estimate | mean gain | mean gain on fresh users | accepted |\n|---|---|---|---|---|")
    for count in (50, 200):
        shops = [search(seed, count) for seed in range(SHOPS)]
        fresh = np.mean([shop.fresh for shop in shops])
        for name, found, accepted in (
            ("same users", [shop.in_sample for shop in shops], [shop.was_accepted for shop in shops]),
            ("cross-fitted", [shop.cross_fitted for shop in shops], [shop.is_accepted for shop in shops]),
        ):
            print(f"| {count:,} | {name} | {np.mean(found):+.4f} | {fresh:+.4f} | {np.mean(accepted):.1%} |")

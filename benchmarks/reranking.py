"""Reranker in a simulated shop with a known optimal ranking: `python -m benchmarks.reranking`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from alsolike.bundle.reranker import Floats, ItemColumns
from alsolike.declarations.times import DAY_MS
from benchmarks.page import write_section
from model_export.data.impressions import Response, impressions
from model_export.export.reranker import RerankerChoice, choose_reranker

PAGE = Path("docs/reranking.md")
SEEDS = tuple(range(1, 11))

ITEMS, USERS, CATEGORIES, CANDIDATES = 400, 300, 8, 10
START_MS = 1_790_000_000_000
SWAPS = 0.2
"""Share of responses with randomly swapped neighbours."""

LATER = 1_000
"""Number of later requests on which rankings are evaluated with the true click probabilities."""


Relevance = Literal["score", "rank"]


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Expected clicks per response if ordered by score, by the reranker, and by true click probability."""

    choice: RerankerChoice
    score: float
    reranked: float
    true: float

    @property
    def recovered(self) -> float:
        """Gain of the reranker as a share of the optimal ranking's gain."""
        return (self.reranked - self.score) / max(self.true - self.score, 1e-9)


def measure(
    responses: int,
    *,
    seed: int,
    signal: bool = True,
    swaps: float = SWAPS,
    decay: float = 1.0,
    relevance: Relevance = "score",
) -> Figures:
    """Simulate responses ordered by score, fit a reranker, and evaluate it on later requests.

    A user examines the item at place k, from 0, with probability (1 + k) ** -`decay`. The probability of a click on an
    examined item is logistic in a utility. The utility increases with the logarithm of the score, or decreases with the
    logarithm of the rank. `signal` adds the distance of the price from the user's usual price, and an effect of the
    price that depends on the hour and the device.
    """
    rng = np.random.default_rng(seed)
    log_price = rng.normal(3, 0.8, ITEMS + 1)
    category = rng.integers(1, CATEGORIES + 1, ITEMS + 1)
    created = rng.uniform(START_MS / DAY_MS - 700, START_MS / DAY_MS, ITEMS + 1)
    columns = ItemColumns(log_price.astype(np.float32), created.astype(np.float32), category.astype(np.int32))
    taste = rng.normal(0, 1, (USERS, CATEGORIES + 1))
    usual = rng.normal(3, 0.6, USERS)
    histories = [
        rng.choice(ITEMS, 15, p=_softmax(taste[user, category[1:]] - 3 * np.abs(log_price[1:] - usual[user]))) + 1
        for user in range(USERS)
    ]
    logged, later, truth = [], [], []
    for number in range(responses + LATER):
        user, now_ms = int(rng.integers(USERS)), START_MS + number * 1_800_000 + int(rng.integers(1_800_000))
        items, device = rng.choice(ITEMS, CANDIDATES, replace=False) + 1, ("desktop", "phone")[int(rng.integers(2))]
        liked = taste[user, category[items]] + rng.normal(0, 0.5, CANDIDATES)
        scores = np.exp(liked)
        order = np.argsort(-scores)
        items, scores, liked = items[order], scores[order], liked[order]
        places = np.arange(CANDIDATES)
        u = 0.8 * liked - 2.0 if relevance == "score" else 1.0 - 1.5 * np.log1p(places)
        if signal:
            price = log_price[items] - 3
            late = np.sin((now_ms % DAY_MS / DAY_MS - 0.5) * 2 * np.pi)  # positive after noon
            u += 0.5 - 1.2 * np.abs(log_price[items] - usual[user])
            u += 0.7 * late * price + (0.5 if device == "desktop" else -0.5) * price
        p = 1 / (1 + np.exp(-u))
        pairs: list[int] = []
        if rng.random() < swaps:
            pairs = list(range(int(rng.integers(2)), CANDIDATES - 1, 2))
            for first in pairs:
                if rng.random() < 0.5:
                    for values in (items, scores, p):
                        values[first : first + 2] = values[first : first + 2][::-1].copy()
        clicks = rng.random(CANDIDATES) < p * (1.0 + places) ** -decay
        response = Response(now_ms, items, scores, places, clicks.astype(float), histories[user], device, pairs=pairs)
        if number < responses:
            logged.append(response)
        else:
            later.append(response)
            truth.append(p)
    choice = choose_reranker(impressions(logged, columns), columns)
    model = choice.reranker
    values = [
        each.scores
        if model is None
        else model.utilities(
            each.positions, each.scores, history=each.history, now_ms=each.served_ms, device=each.device
        )
        for each in later
    ]
    scores = [each.scores for each in later]
    found = [_clicks(each, truth, decay=decay) for each in (scores, values, truth)]
    return Figures(choice, *found)


def _clicks(values: Sequence[Floats], truth: Sequence[Floats], *, decay: float) -> float:
    """Return the expected number of clicks per response if candidates are in descending order of `values`.

    `truth` are the click probabilities of examined candidates.
    """
    order = np.argsort(-np.array(values), axis=1, kind="stable")
    ordered = np.take_along_axis(np.array(truth), order, axis=1)
    return float((ordered * (1.0 + np.arange(CANDIDATES)) ** -decay).sum(axis=1).mean())


def _softmax(values: Floats) -> Floats:
    e = np.exp(values - values.max())
    return np.asarray(e / e.sum())


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """Parameters of a simulated shop; see `measure`."""

    responses: int
    signal: bool = True
    swaps: float = SWAPS
    decay: float = 1.0
    relevance: Relevance = "score"

    def cells(self) -> list[str]:
        depends = f"{self.relevance}{', price, hour, device' if self.signal else ''}"
        looks = f"1 / k{'' if self.decay == 1 else f'^{self.decay:g}'}"
        return [f"{self.responses:,}", f"{self.swaps:.0%}", looks, depends]


CASES = (
    *(Case(responses) for responses in (2_000, 4_000, 8_000)),
    *(Case(responses, swaps=0.1) for responses in (4_000, 8_000)),
    Case(4_000, swaps=0.0),
    Case(4_000, signal=False),
    *(Case(4_000, decay=0.3, relevance="rank", signal=signal, swaps=swaps)
      for signal in (True, False) for swaps in (SWAPS, 0.0)),
)  # fmt: skip


def table(figures: Mapping[Case, Sequence[Figures]]) -> str:
    head = (
        "responses", "with random pairs", "looks at place k", "clicks depend on", "reranker on", "on and worse",
        "clicks by score", "reranked", "true ranking", "recovered gain if on",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---:|---:|---|---|---:|---:|---:|---:|---:|---:|"]
    for case, found in figures.items():
        clicks = [np.mean([getattr(one, name) for one in found]) for name in ("score", "reranked", "true")]
        on = [one for one in found if one.choice.reranker is not None]
        cells = (
            *case.cells(),
            f"{len(on)} of {len(found)}",
            str(sum(one.reranked < one.score for one in on)),
            *(f"{mean:.4f}" for mean in clicks),
            f"{np.mean([one.recovered for one in on]):.1%}" if on else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.reranking", description=__doc__).parse_args()
    section = table({case: [measure(**dataclasses.asdict(case), seed=seed) for seed in SEEDS] for case in CASES})
    sys.stdout.write(f"{section}\n")
    write_section(PAGE, "reranking", section)


if __name__ == "__main__":
    main()

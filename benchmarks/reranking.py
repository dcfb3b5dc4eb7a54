"""The reranker in a simulated shop whose true ranking is known: `python -m benchmarks.reranking`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from alsolike.bundle.reranker import MS_PER_DAY, Floats, ItemColumns
from benchmarks.page import write_section
from model_export.data.impressions import Response, impressions
from model_export.export.reranker import RerankerChoice, choose_reranker

PAGE = Path(__file__).parents[1] / "docs/reranking.md"
SEEDS = tuple(range(1, 11))
SIZES = (2_000, 4_000)

ITEMS, USERS, CATEGORIES, CANDIDATES = 400, 300, 8, 10
START_MS = 1_790_000_000_000
LATER = 1_000
"""Number of further requests on which rankings are compared by their true click probabilities."""


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Expected clicks per response, by the order of the score, of the reranker and of the true click probabilities."""

    choice: RerankerChoice
    score: float
    reranked: float
    true: float

    @property
    def recovered(self) -> float:
        """Share of the true ranker's gain."""
        return (self.reranked - self.score) / max(self.true - self.score, 1e-9)


def measure(responses: int, *, seed: int, signal: bool = True) -> Figures:
    """Log responses that are ordered by score, choose a reranker, and compare it on later requests.

    A user clicks an item with probability 1 / (1 + place) (examination) times the logistic function of a utility. The
    utility consists of the logarithm of the score, and with `signal` of the difference between the price and the
    user's usual one, and of the price, whose effect depends on the hour and the device.
    """
    rng = np.random.default_rng(seed)
    log_price = rng.normal(3, 0.8, ITEMS + 1)
    category = rng.integers(1, CATEGORIES + 1, ITEMS + 1)
    created = rng.uniform(START_MS / MS_PER_DAY - 700, START_MS / MS_PER_DAY, ITEMS + 1)
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
        u = 0.8 * liked - 2.0
        if signal:
            price = log_price[items] - 3
            late = np.sin((now_ms % MS_PER_DAY / MS_PER_DAY - 0.5) * 2 * np.pi)  # above 0 from noon on
            u += 0.5 - 1.2 * np.abs(log_price[items] - usual[user])
            u += 0.7 * late * price + (0.5 if device == "desktop" else -0.5) * price
        p = 1 / (1 + np.exp(-u))
        places = np.arange(CANDIDATES)
        clicks = rng.random(CANDIDATES) < p / (1 + places)
        response = Response(now_ms, items, scores, places, clicks.astype(float), histories[user], device)
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
    return Figures(choice, _clicks(scores, truth), _clicks(values, truth), _clicks(truth, truth))


def _clicks(values: Sequence[Floats], truth: Sequence[Floats]) -> float:
    """Return the expected number of clicks per response with the candidates in the order of values.

    Parameters
    ----------
    truth
        Click probability of each candidate that is examined.
    """
    order = np.argsort(-np.array(values), axis=1, kind="stable")
    ordered = np.take_along_axis(np.array(truth), order, axis=1)
    return float((ordered / (1 + np.arange(CANDIDATES))).sum(axis=1).mean())


def _softmax(values: Floats) -> Floats:
    e = np.exp(values - values.max())
    return np.asarray(e / e.sum())


def table(figures: Mapping[tuple[int, bool], Sequence[Figures]]) -> str:
    """Return the mean figures of each size as a table of the page.

    Parameters
    ----------
    figures
        By number of responses and `signal`.
    """
    head = (
        "responses", "with a click", "clicks depend on", "reranker on", "clicks by score", "reranked",
        "true ranking", "recovered gain", "least",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---:|---:|---|---:|---:|---:|---:|---:|---:|"]
    for (size, signal), found in figures.items():
        clicks = [np.mean([getattr(one, name) for one in found]) for name in ("score", "reranked", "true")]
        recovered = [one.recovered for one in found]
        cells = (
            f"{size:,}",
            f"{np.mean([one.choice.responses for one in found]):,.0f}",
            "score, price, hour, device" if signal else "score",
            f"{sum(one.choice.reranker is not None for one in found)} of {len(found)}",
            *(f"{mean:.4f}" for mean in clicks),
            *((f"{np.mean(recovered):.1%}", f"{min(recovered):.1%}") if signal else ("", "")),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all sizes and write the table."""
    argparse.ArgumentParser(prog="python -m benchmarks.reranking", description=__doc__).parse_args()
    section = table(
        {
            (size, signal): [measure(size, seed=seed, signal=signal) for seed in SEEDS]
            for signal in (True, False)
            for size in SIZES
        }
    )
    sys.stdout.write(f"{section}\n")
    write_section(PAGE, "reranking", section)


if __name__ == "__main__":
    main()

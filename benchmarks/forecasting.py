"""Forecasts of drafts in simulated shops with known outcomes: `python -m benchmarks.forecasting`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from alsolike.bundle.reranker import Floats, Ints
from benchmarks.page import write_section
from operations.forecast.off_policy import CLICKS, Forecast, LoggedLists, forecast

PAGE = Path("docs/forecast.md")
SEEDS = tuple(range(1, 11))

ITEMS, CATEGORIES, CANDIDATES, PLACES = 200, 8, 40, 10
TRUE_RESPONSES = 50_000
"""Number of responses from which the true outcomes are computed."""

PINNED_ITEM = 7

Draft = Literal["none", "order", "boost", "demotion", "cap", "pin"]
DRAFTS: Mapping[Draft, str] = {
    "order": "a category first, among the items shown",
    "boost": "boost of a category, 1.5",
    "demotion": "demotion of a category, 0.5",
    "cap": "at most two items of a category",
    "pin": "pin of an item that is a candidate of 20% of the requests",
}
Attention = Literal["places", "stops"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop:
    """Shop with users who return.

    A user examines place k, from 1, with probability 1 / k. The probability of a click on an examined item is logistic
    in a utility of the user's category tastes, the item's quality and the user's activity. Lists are in the order of
    the utility with an error. A clicked item is bought with a chance that falls with the price.

    Attributes
    ----------
    swaps
        Share of the responses with neighbours in random order.
    attention
        `places`: by place only. `stops`: as `places`, but a user stops after a click, which breaks the forecast's
        assumption that attention depends only on the place.
    """

    users: int = 3_000
    responses: int = 20_000
    swaps: float = 0.2
    attention: Attention = "places"


@dataclasses.dataclass(frozen=True)
class Requests:
    """Users, `(requests,)`, and their candidates, best first, `(requests, CANDIDATES)`.

    `chances` are the probabilities of a click on an examined candidate.
    """

    users: Ints
    items: Ints
    scores: Floats
    chances: Floats


class World:
    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.rng = shop, np.random.default_rng([45, seed])
        rng = self.rng
        self.category = rng.integers(0, CATEGORIES, ITEMS)
        self.quality = rng.normal(0, 0.7, ITEMS)
        self.price = rng.lognormal(3, 0.8, ITEMS)
        self.margin = rng.uniform(0.1, 0.5, CATEGORIES)[self.category]
        self.buys = np.minimum(0.5, 0.3 * (self.price / 20) ** -0.3)

    def requests(self, users: int, count: int) -> Requests:
        rng = self.rng
        taste, activity = rng.normal(0, 1, (users, CATEGORIES)), rng.normal(0, 0.5, users)
        often = rng.gamma(1.0, 1.0, users)
        user = rng.choice(users, count, p=often / often.sum())
        items = rng.random((count, ITEMS)).argpartition(CANDIDATES, axis=1)[:, :CANDIDATES]
        utility = taste[user[:, None], self.category[items]] + self.quality[items]
        scores = np.exp(utility + rng.normal(0, 0.5, utility.shape))
        order = np.argsort(-scores, axis=1)
        items, scores, utility = (np.take_along_axis(each, order, axis=1) for each in (items, scores, utility))
        return Requests(user, items, scores, 1 / (1 + np.exp(2.0 - utility - activity[user, None])))

    def order(self, requests: Requests, draft: Draft) -> Ints:
        """Return each request's list under a draft, `(requests, PLACES)`, as positions among its candidates."""
        category = self.category[requests.items]
        if draft == "order":
            return np.argsort(category[:, :PLACES] != 1, axis=1, kind="stable")
        if draft in ("boost", "demotion"):
            factor = np.where(category == 1, 1.5 if draft == "boost" else 0.5, 1.0)
            return np.argsort(-requests.scores * factor, axis=1, kind="stable")[:, :PLACES]
        if draft == "cap":  # At most two items of a category.
            number = np.stack([np.cumsum(category == one, axis=1) for one in range(CATEGORIES)], axis=2)
            number = np.take_along_axis(number, category[:, :, None], axis=2)[:, :, 0]
            return np.argsort(number > 2, axis=1, kind="stable")[:, :PLACES]
        if draft == "pin":
            return np.argsort(requests.items != PINNED_ITEM, axis=1, kind="stable")[:, :PLACES]
        return np.broadcast_to(np.arange(PLACES), (len(category), PLACES))

    def expected(self, requests: Requests, order: Ints) -> dict[str, float]:
        """Return the expected value of each outcome per response for lists in the order `order`."""
        chances = np.take_along_axis(requests.chances, order, axis=1)
        clicks = chances / np.arange(1, PLACES + 1)
        if self.shop.attention == "stops":
            clicks[:, 1:] *= np.cumprod(1 - clicks, axis=1)[:, :-1]
        return {
            name: float((clicks * value).sum(axis=1).mean()) for name, value in self._values(requests, order).items()
        }

    def _values(self, requests: Requests, order: Ints) -> dict[str, Floats]:
        """Return the expected value of a click on each listed item, `(requests, PLACES)`, by outcome."""
        items = np.take_along_axis(requests.items, order, axis=1)
        bought = self.buys[items]
        revenue = bought * self.price[items]
        return {
            CLICKS: np.ones(items.shape),
            "purchases": bought,
            "revenue": revenue,
            "margin": revenue * self.margin[items],
        }

    def log(self, requests: Requests) -> tuple[LoggedLists, float]:
        """Return logged lists with outcomes, and the share of the expected clicks that random pairs cost."""
        rng, count = self.rng, len(requests.users)
        order = self.order(requests, "none").copy()
        unswapped = self.expected(requests, order)[CLICKS]
        opens = np.zeros((count, PLACES), np.bool_)
        swapped = np.flatnonzero(rng.random(count) < self.shop.swaps)
        offsets = rng.integers(0, 2, len(swapped))
        for first in range(PLACES - 1):
            rows = swapped[offsets == first % 2]
            opens[rows, first] = True
            rows = rows[rng.random(len(rows)) < 0.5]
            order[rows, first : first + 2] = order[rows, first : first + 2][:, ::-1]
        chances = np.take_along_axis(requests.chances, order, axis=1)
        clicked = rng.random(chances.shape) < chances / np.arange(1, PLACES + 1)
        if self.shop.attention == "stops":
            clicked[:, 1:] &= ~np.logical_or.accumulate(clicked, axis=1)[:, :-1]
        items = np.take_along_axis(requests.items, order, axis=1)
        bought = clicked & (rng.random(chances.shape) < self.buys[items])
        revenue = bought * self.price[items]
        outcomes = {CLICKS: clicked, "purchases": bought, "revenue": revenue, "margin": revenue * self.margin[items]}
        floats = {name: values.astype(np.float64) for name, values in outcomes.items()}
        cost = 1 - self.expected(requests, order)[CLICKS] / unswapped
        return LoggedLists(requests.users, items, opens, floats), cost


def forecasts(
    shop: Shop, seed: int, drafts: Sequence[Draft]
) -> tuple[dict[Draft, tuple[Forecast, dict[str, float]]], float]:
    """Return the forecast of each draft from a log, and the share of clicks that random pairs cost.

    The dictionary next to a forecast has the true difference of each outcome per response, by name. Its keys
    `present NAME` have the true outcomes without the draft.
    """
    world = World(shop, seed)
    requests = world.requests(shop.users, shop.responses)
    later = world.requests(TRUE_RESPONSES // 10, TRUE_RESPONSES)
    log, cost = world.log(requests)
    present = np.take_along_axis(requests.items, world.order(requests, "none"), axis=1)
    now = world.expected(later, world.order(later, "none"))
    found = {}
    for draft in drafts:
        lists = np.take_along_axis(requests.items, world.order(requests, draft), axis=1)
        after = world.expected(later, world.order(later, draft))
        truth = {name: after[name] - now[name] for name in now} | {f"present {name}": now[name] for name in now}
        found[draft] = forecast(log, present=present, draft=lists), truth
    return found, cost


CASES = {
    "20% of the responses": Shop(),
    "5% of the responses": Shop(swaps=0.05),
    "20%, 4,000 responses": Shop(users=1_000, responses=4_000),
    "20%, users stop after a click": Shop(attention="stops"),
}

_SHOWN = (CLICKS, "revenue")


def table(results: Mapping[str, Sequence[Mapping[Draft, tuple[Forecast, dict[str, float]]]]]) -> str:
    lines = [
        "| random pairs | draft | outcome | support | forecasts | true change | mean error | half of the interval "
        "| contain the truth |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for case, seeds in results.items():
        for draft, text in DRAFTS.items():
            support = np.mean([found[draft][0].support for found in seeds])
            for name in _SHOWN:
                made = [
                    (outcome.difference, truth[name], truth[f"present {name}"])
                    for result, truth in (found[draft] for found in seeds)
                    for outcome in result.outcomes
                    if outcome.name == name and outcome.difference is not None
                ]
                change = np.mean([found[draft][1][name] / found[draft][1][f"present {name}"] for found in seeds])
                cells = [case, text, name, f"{support:.1%}", f"{len(made)} of {len(seeds)}", f"{change:+.1%}"]
                if made:
                    error = np.mean([(estimate.value - true) / now for estimate, true, now in made])
                    half = np.mean([(estimate.high - estimate.low) / 2 / now for estimate, _, now in made])
                    inside = sum(estimate.low <= true <= estimate.high for estimate, true, _ in made)
                    cells += [f"{error:+.1%}", f"±{half:.1%}", f"{inside} of {len(made)}"]
                else:
                    cells += ["", "", ""]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def cost_table(seeds: Sequence[int]) -> str:
    lines = ["| `swaps` | clicks lost |", "|---:|---:|"]
    for swaps in (0.05, 0.1, 0.2, 0.5, 1.0):
        costs = []
        for seed in seeds:
            world = World(Shop(swaps=swaps), seed)
            costs.append(world.log(world.requests(world.shop.users, TRUE_RESPONSES))[1])
        lines.append(f"| {swaps:g} | {np.mean(costs):.2%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasting", description=__doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="number of seeds; default: 10, those of the page")
    seeds = SEEDS[: parser.parse_args().seeds]
    sections = {
        "forecast-cost": cost_table(seeds),
        "forecast": table(
            {case: [forecasts(shop, seed, tuple(DRAFTS))[0] for seed in seeds] for case, shop in CASES.items()}
        ),
    }
    for name, section in sections.items():
        sys.stdout.write(f"{section}\n")
        if seeds == SEEDS:
            write_section(PAGE, name, section)


if __name__ == "__main__":
    main()

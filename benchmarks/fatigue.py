"""Fatigue in simulated shops, and its cost per request: `python -m benchmarks.fatigue`.

Users of a simulated shop visit it repeatedly. Each visit shows ten items. A click restores the interest in an item, and
in some shops each sighting without a click reduces it.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from alsolike.configuration.configuration import DEFAULT, Configuration, Fatigue
from alsolike.profiles.impressions import Impressions, sightings
from alsolike.profiles.profile import Profile
from alsolike.snapshot.snapshot import Snapshot
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import cpu_medians_ms
from benchmarks.page import write_section
from benchmarks.recommending import dependencies_of, history_of, segment, write_bundle
from functions.recommend import dispatch, handler
from functions.recommend.dependencies import Dependencies
from functions.recommend.state.model import Model
from model_export.data.impressions import Impressions as LoggedResponses
from model_export.evaluation.bootstrap import interval
from model_export.export.fatigue import estimate_strength

PAGE = Path("docs/fatigue.md")
SEEDS = range(1, 11)
USERS, ITEMS, PLACES, VISITS = 100, 200, 10, 20
HOURS_BETWEEN_VISITS = 12.0
LOGGED_USERS, SWAPS = 500, 0.2
STRENGTHS = (0.25, 0.5, 1.0)
HALF_LIFE_HOURS = 48.0
_MS_PER_HOUR = 3_600_000
_START_MS = 1_790_000_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Shop:
    """A simulated shop.

    Attributes
    ----------
    left
        Factor of the click probability per sighting without a click. 1 for a shop without fatigue.
    noise
        Standard deviation of the error of the model, in units of the standard deviation of users' interest.
    """

    text: str
    left: float
    noise: float


SHOPS = (
    Shop("a sighting leaves 60% of the interest", 0.6, 0.5),
    Shop("a sighting leaves 90% of the interest", 0.9, 0.5),
    Shop("no fatigue, inexact model", 1.0, 1.0),
    Shop("no fatigue, exact model", 1.0, 0.0),
)


def clicks(shop: Shop, fatigue: Fatigue | None, *, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the expected clicks per visit of each user, `(USERS,)`.

    A user examines place k, from 1, with probability 1 / k. The probability of a click on an examined item is logistic
    in the interest, times `left` per sighting since the last click. The number of sightings halves in
    `HALF_LIFE_HOURS`, as in the configuration.
    """
    rng = np.random.default_rng(seed)
    interest = rng.normal(0, 1, (USERS, ITEMS))
    scores = np.exp(interest + rng.normal(0, shop.noise, interest.shape))
    looks = 1 / np.arange(1, PLACES + 1)
    # Runs with and without fatigue use the same random numbers, so that their difference has less noise.
    draws = rng.random((USERS, VISITS, ITEMS, 2))
    total = np.zeros(USERS)
    decay = 0.5 ** (HOURS_BETWEEN_VISITS / HALF_LIFE_HOURS)
    names = [str(item) for item in range(ITEMS)]
    for user in range(USERS):
        seen = np.zeros(ITEMS)
        lists: list[Impressions] = []
        reactions: dict[str, int] = {}
        for visit in range(VISITS):
            now_ms = _START_MS + round(visit * HOURS_BETWEEN_VISITS * _MS_PER_HOUR)
            seen *= decay
            factors = np.ones(ITEMS)
            if fatigue is not None:
                for name, count in sightings(lists, fatigue, reactions=reactions, now_ms=now_ms).items():
                    factors[int(name)] = fatigue.factor(count)
            shown = np.argsort(-scores[user] * factors, kind="stable")[:PLACES]
            p = shop.left ** seen[shown] / (1 + np.exp(2.0 - interest[user, shown]))
            total[user] += float((looks * p).sum())
            looked = draws[user, visit, shown, 0] < looks
            clicked = looked & (draws[user, visit, shown, 1] < p)
            seen[shown[looked & ~clicked]] += 1
            seen[shown[clicked]] = 0
            list_id = str(visit)
            lists.append(Impressions("h", list_id, list_id, now_ms, [names[item] for item in shown], is_reported=False))
            reactions |= {names[item]: now_ms for item in shown[clicked]}
    return total / VISITS


def estimated(shop: Shop, *, seed: int) -> float:
    """Return the strength of fatigue estimated from a simulated log, or 0 if the estimate has no signal.

    The lists of the log do not demote seen items. A share `SWAPS` of the responses has neighbours in random order.
    """
    rng = np.random.default_rng(seed + 1_000)
    interest = rng.normal(0, 1, (LOGGED_USERS, ITEMS))
    scores = np.exp(interest + rng.normal(0, shop.noise, interest.shape))
    looks = 1 / np.arange(1, PLACES + 1)
    weights = 1 / np.log2(1 + np.arange(1, PLACES + 1))  # as in `sightings`
    decay = 0.5 ** (HOURS_BETWEEN_VISITS / HALF_LIFE_HOURS)
    rows: list[tuple[int, Any, Any, Any, Any]] = []
    for user in range(LOGGED_USERS):
        best = np.argsort(-scores[user], kind="stable")[:PLACES]
        seen, counts = np.zeros(ITEMS), np.zeros(ITEMS)
        for _ in range(VISITS):
            seen *= decay
            counts *= decay
            shown, opens_pair = best.copy(), np.zeros(PLACES, np.bool_)
            if rng.random() < SWAPS:
                for first in range(rng.integers(2), PLACES - 1, 2):
                    opens_pair[first] = True
                    if rng.random() < 0.5:
                        shown[[first, first + 1]] = shown[[first + 1, first]]
            p = shop.left ** seen[shown] / (1 + np.exp(2.0 - interest[user, shown]))
            looked = rng.random(PLACES) < looks
            clicked = looked & (rng.random(PLACES) < p)
            if clicked.any():
                rows.append((user, scores[user, shown], clicked.astype(np.float64), opens_pair, counts[shown]))
            seen[shown[looked & ~clicked]] += 1
            seen[shown[clicked]] = 0
            counts[shown] += weights
            counts[shown[clicked]] = 0
    users, *columns = zip(*rows, strict=True)
    logged_scores, gains, opens, seen_before = map(np.concatenate, columns)
    n = len(users)
    data = LoggedResponses(
        np.arange(n + 1) * PLACES, np.zeros((n * PLACES, 0)), (), np.zeros((n, 0), np.bool_),
        np.tile(np.arange(PLACES), n), logged_scores, gains, opens,
    )  # fmt: skip
    found = estimate_strength(data, seen_before, np.array(users))
    return found.strength or 0.0 if found.has_signal else 0.0


def gains_table() -> str:
    head = [
        "shop", "clicks per visit without", *(f"strength {strength:g}" for strength in STRENGTHS),
        "estimated strength", "gain by estimated strength",
    ]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for shop in SHOPS:
        without = np.concatenate([clicks(shop, None, seed=seed) for seed in SEEDS])
        cells = [shop.text, f"{without.mean():.3f}"]
        for strength in STRENGTHS:
            fatigue = Fatigue(strength, HALF_LIFE_HOURS)
            found = np.concatenate([clicks(shop, fatigue, seed=seed) for seed in SEEDS])
            low, high = interval(found - without)
            gain = found.mean() / without.mean() - 1
            cells.append(f"{gain:+.1%} ({low / without.mean():+.1%} to {high / without.mean():+.1%})")
        strengths = [estimated(shop, seed=seed) for seed in SEEDS]
        on = [strength for strength in strengths if strength]
        found = np.concatenate(
            [
                clicks(shop, Fatigue(strength, HALF_LIFE_HOURS) if strength else None, seed=seed)
                for seed, strength in zip(SEEDS, strengths, strict=True)
            ]
        )
        low, high = interval(found - without)
        off = f"off in {len(strengths) - len(on)} of {len(strengths)}"
        cells.append(f"{min(on):.2f} to {max(on):.2f}, {off}" if on else off)
        cells.append(
            f"{found.mean() / without.mean() - 1:+.1%} ({low / without.mean():+.1%} to {high / without.mean():+.1%})"
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


class _Reader:
    """Reader of impressions in memory, with a pause in place of DynamoDB's response."""

    def __init__(self, lists: Sequence[Impressions], *, pause_s: float) -> None:
        self._lists, self._pause_s = lists, pause_s

    def read(self, *_: object, **__: object) -> Sequence[Impressions]:
        time.sleep(self._pause_s)
        return self._lists


class _Profiles:
    def __init__(self, profiles: Any, *, pause_s: float) -> None:
        self._profiles, self._pause_s = profiles, pause_s

    def read(self, profile_id: str, /, *, length: int) -> Profile:
        time.sleep(self._pause_s)
        profile: Profile = self._profiles.read(profile_id, length=length)
        return profile


def costs_table(*, items: int = 20_000, lists: int = 20) -> str:
    now_ms = time.time_ns() // 1_000_000
    seen = [
        Impressions("h", str(n), str(n), now_ms - n * _MS_PER_HOUR, [f"item{1 + n * 7 + place}" for place in range(10)],
                    is_reported=True)
        for n in range(lists)
    ]  # fmt: skip
    for_you = dataclasses.replace(DEFAULT.recommenders["for-you"], fatigue=Fatigue(0.5, HALF_LIFE_HOURS))
    on = Configuration(recommenders={**DEFAULT.recommenders, "for-you": for_you})
    event = {"routeKey": "POST /recommendations", "body": orjson.dumps({"userId": "anna"}).decode()}
    with tempfile.TemporaryDirectory() as directory:
        write_bundle(items, Path(directory))
        model, snapshot = Model(Path(directory)), Snapshot([segment(items)], version="bench")

        def request(configuration: Configuration, *, pause_s: float) -> Callable[[], object]:
            dependencies: Dependencies = dependencies_of(
                model, snapshot, history_of(items), configuration=configuration
            )
            stores = dataclasses.replace(
                dependencies.stores,
                profiles=_Profiles(dependencies.stores.profiles, pause_s=pause_s),
                impressions=_Reader(seen, pause_s=pause_s),  # type: ignore[arg-type]
            )
            own = dataclasses.replace(dependencies, stores=stores)

            def once() -> object:
                setattr(dispatch, "current_dependencies", lambda: own)  # noqa: B010
                return handler.lambda_handler(event, CONTEXT)

            return once

        with quiet():
            cpu = cpu_medians_ms({"off": request(DEFAULT, pause_s=0), "on": request(on, pause_s=0)}, rounds=500)
            works = {"off": request(DEFAULT, pause_s=0.004), "on": request(on, pause_s=0.004)}
            times: dict[str, list[float]] = {name: [] for name in works}
            for _ in range(200):
                for name, work in works.items():
                    start = time.perf_counter()
                    work()
                    times[name].append(1000 * (time.perf_counter() - start))
    wall = {name: statistics.median(values) for name, values in times.items()}
    rows = [("processor time, ms", cpu), ("duration with DynamoDB responses of 4 ms, ms", wall)]
    lines = ["| request for 25 of 20,000 items | off | on | ratio |", "|---|---:|---:|---:|"]
    lines += [
        f"| {text} | {times_ms['off']:.2f} | {times_ms['on']:.2f} | {times_ms['on'] / times_ms['off']:.2f} |"
        for text, times_ms in rows
    ]
    return "\n".join(lines)


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.fatigue", description=__doc__).parse_args()
    for name, section in (("fatigue", gains_table()), ("fatigue-cost", costs_table())):
        sys.stdout.write(f"{section}\n")
        write_section(PAGE, name, section)


if __name__ == "__main__":
    main()

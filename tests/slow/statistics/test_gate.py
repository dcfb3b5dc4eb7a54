"""Shares of candidates with a known quality that pass the gate's comparison with the champion.

`make slow WHAT=statistics ARGS="-s -k gate"` prints the table of docs/gate.md.
"""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from functions.register_model.champion_checks import against_champion
from functions.register_model.limits import GateLimits
from tests.builders.bundles import MANIFEST
from tests.builders.simulated_lists import Lists

RUNS = 400
USERS = (30, 100, 300, 1_000, 5_000)
LIMITS = GateLimits()
CHAMPION = dataclasses.replace(MANIFEST, version="v0", last_event_ms=0)


def results(lists, *, runs=RUNS):
    found: Counter[str] = Counter()
    for run in range(runs):
        check = against_champion(_candidate(lists, run), CHAMPION, limits=LIMITS)
        found["passes" if check.passed else "waits" if check.waits else "fails"] += 1
    return {result: found[result] / runs for result in ("passes", "waits", "fails")}


def _candidate(lists, run):
    comparison = {"version": "v0", "k": 10, **lists.document(np.random.default_rng([44, run]))}
    return dataclasses.replace(MANIFEST, metrics={"against_champion": comparison})


@pytest.mark.parametrize("hit_rate", [0.3, 0.05])
@pytest.mark.parametrize(("same", "worse"), [(0.0, 0.2), (0.9, 0.2), (0.0, 0.0), (0.9, 0.0), (1.0, 0.0)])
def test_gate_passes_few_worse_candidates(hit_rate, same, worse):
    passed = {}
    for users in USERS:
        lists = Lists(users=users, hit_rate=hit_rate, same=same, worse=worse)
        passed[users] = results(lists, runs=RUNS if users < 5_000 else RUNS // 4)["passes"]
    shares = " | ".join(f"{share:.1%}" for share in passed.values())
    print(f"\n| {'equal' if not worse else f'{worse:.0%} worse'} | {same:.0%} | {hit_rate:.0%} | {shares} |", end="")

    if worse:
        assert max(passed.values()) < 0.05
    if same == 1:
        assert passed[1_000] == 1

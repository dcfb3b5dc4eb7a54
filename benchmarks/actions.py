"""Estimated propensities of actions in a simulated shop with known propensities: `python -m benchmarks.actions`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from alsolike.bundle.action_model import Floats
from alsolike.declarations.times import DAY_MS
from alsolike.events.action_events import ActionEvent
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN, ACTION_VIEWED
from benchmarks.page import write_section
from model_export.data.action_samples import ActionSamples, samples
from model_export.export.actions import HOLDOUT_SHARE, calibration_error, evaluate, fit, log_loss

PAGE = Path("docs/actions.md")
SEEDS = (1, 2, 3)
SIZES = (500, 2_000, 10_000)
ACTIONS, SEGMENTS, KINDS = 12, 3, 4
EXPOSURES = 20
"""Maximum number of exposures per user."""

_START_MS = 1_790_000_000_000
_DAYS = 180


@dataclasses.dataclass(frozen=True, slots=True)
class SimulatedShop:
    """Samples of a shop, and the true propensity of each sample in the same order.

    The logit of a propensity is the sum of four effects: of the action, of the user, of the action in the user's
    segment, and of earlier outcomes. An acceptance raises the logit of the action, and a refusal or a view without a
    reaction lowers it.
    """

    samples: ActionSamples
    propensities: Floats


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Log losses on the latest exposures, in nats, and calibration errors.

    `true`, `actions` and `constant` are log losses of the true propensities, the rate per action and the overall rate.
    """

    users: int
    exposures: int
    true: float
    model: float
    actions: float
    constant: float
    calibration_error: float
    true_calibration_error: float


def simulate(users: int, *, seed: int) -> SimulatedShop:
    """Return a shop whose users are exposed to random actions, at least 1.5 days apart."""
    rng = np.random.default_rng(seed)
    action_effects, user_effects = rng.normal(-1.5, 0.8, ACTIONS), rng.normal(0, 0.7, users)
    segment, segment_effects = rng.integers(0, SEGMENTS, users), rng.normal(0, 0.9, (SEGMENTS, ACTIONS))
    events: list[tuple[str, ActionEvent]] = []
    truth: dict[tuple[int, str], float] = {}
    for user in range(users):
        taken, refused = np.zeros(ACTIONS), np.zeros(ACTIONS)
        days = np.cumsum(1.5 + rng.exponential(_DAYS / EXPOSURES - 1.5, EXPOSURES))
        for day in days[days < _DAYS]:
            action = int(rng.integers(ACTIONS))
            logit = action_effects[action] + user_effects[user] + segment_effects[segment[user], action]
            logit += 0.6 * np.log1p(taken[action]) - 0.5 * np.log1p(refused[action])
            p = 1 / (1 + np.exp(-logit))
            is_taken = bool(rng.random() < p)
            time_ms = _START_MS + int(day * DAY_MS)
            type_ = ACTION_TAKEN if is_taken else (ACTION_NOT_TAKEN, ACTION_VIEWED)[int(rng.integers(2))]
            events.append((f"u#{user}", ActionEvent(time_ms, f"action{action}", type_)))
            truth[time_ms, f"u#{user}"] = float(p)
            (taken if is_taken else refused)[action] += 1
    found = samples(
        events,
        actions={f"action{action}": {"kind": f"kind{action % KINDS}"} for action in range(ACTIONS)},
        users={f"u#{user}": {"segment": f"segment{segment[user]}"} for user in range(users)},
    )
    assert found is not None
    order = sorted((event.event_time_ms, profile) for profile, event in events)
    last_ms = order[-1][0]
    views = {(event.event_time_ms, profile) for profile, event in events if event.event_type == ACTION_VIEWED}
    known = [one for one in order if one not in views or last_ms - one[0] > DAY_MS]
    return SimulatedShop(found, np.array([truth[one] for one in known]))


def measure(shop: SimulatedShop, *, users: int) -> Figures:
    begin = round(len(shop.samples) * (1 - HOLDOUT_SHARE))
    past, latest = shop.samples.part(0, begin), shop.samples.part(begin, len(shop.samples))
    model = fit(past)
    quality = evaluate(model, past, latest)
    true = shop.propensities[begin:]
    return Figures(
        users,
        len(shop.samples),
        log_loss(true, latest.taken),
        quality.log_loss,
        quality.action_log_loss,
        quality.constant_log_loss,
        quality.calibration_error,
        calibration_error(true, latest.taken),
    )


def table(figures: list[Figures]) -> str:
    columns = ("users", "exposures", "true propensities", "model", "rate per action", "overall rate")
    head = (*columns, "calibration error", "of the true propensities")
    lines = [f"| {' | '.join(head)} |", "|---:" * len(head) + "|"]
    for users in sorted({one.users for one in figures}):
        rows = [dataclasses.astuple(one)[1:] for one in figures if one.users == users]
        exposures, *losses = (sum(column) / len(rows) for column in zip(*rows, strict=True))
        lines.append(f"| {users:,} | {exposures:,.0f} | {' | '.join(f'{loss:.4f}' for loss in losses)} |")
    return "\n".join(lines)


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.actions", description=__doc__).parse_args()
    figures = [measure(simulate(users, seed=seed), users=users) for users in SIZES for seed in SEEDS]
    section = table(figures)
    sys.stdout.write(f"{section}\n")
    write_section(PAGE, "actions", section)


if __name__ == "__main__":
    main()

"""The check of interactions since the champion's last training event: are they fit to learn from?

`model_export.job.new_data` computes the figures. The exported model has learned them, and no later event can judge it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.bundle.bundle import Manifest
from alsolike.registry.decision import Check
from functions.register_model.limits import GateLimits, below

NAME = "new data"


def new_data(candidate: Manifest, *, limits: GateLimits) -> Check:
    """Check that the new half teaches as well as the champion, and is about as predictable as earlier interactions.

    It passes without new interactions, and with too few users for a significant result. The second question needs
    enough users at both times.
    """
    if "new_data" not in candidate.metrics:
        return Check(NAME, False, "the training did not check new data, because it ran an earlier version; train again")
    figures = candidate.metrics["new_data"]
    if figures is None:
        return Check(NAME, True, "there are no new interactions to check")
    values = {**figures, "tolerance_percent": limits.tolerance_percent, "max_fall_percent": limits.max_fall_percent}
    least = limits.min_compared_users
    taught = _asked(figures, "taught", ["users"], least=least)
    foreseen = _asked(figures, "foreseen", ["users", "before_users"], least=least)
    said = [f"{figures['interactions']} interactions are new"]
    if taught is not None:
        said.append(
            f"trained on half of them, ndcg is {taught['candidate']:.4f} on the rest, "
            f"champion {taught['champion']:.4f}, {taught['users']} users"
        )
    if foreseen is not None:
        said.append(
            f"ndcg above random lists is {foreseen['now']:.4f}, "
            f"in an earlier period of the same length {foreseen['before']:.4f}"
        )
    if taught is None and foreseen is None:
        said.append(f"fewer than {least} users could be compared")
    elif foreseen is None:
        said.append(
            f"predictability was not compared with an earlier period: fewer than {least} users in one of them, or too "
            "little data before the champion's last event"
        )
    failures = []
    if taught is not None and _falls(
        taught["candidate"], taught["champion"], taught["ahead"], limits.tolerance_percent
    ):
        failures.append(f"training on them lowers ndcg significantly by more than {limits.tolerance_percent}%")
    if foreseen is not None and _falls(
        foreseen["now"], foreseen["before"], foreseen["difference"], limits.max_fall_percent
    ):
        failures.append(f"predictability falls significantly by more than {limits.max_fall_percent}%")
    return Check(NAME, not failures, "; ".join([*said, *failures]), values)


def _asked(figures: Mapping[str, Any], name: str, counts: Sequence[str], *, least: int) -> Mapping[str, Any] | None:
    """Return the answers to a question if enough users gave them, at each time."""
    answers: Mapping[str, Any] = figures.get(name) or {}
    return answers if all(answers.get(count, 0) >= least for count in counts) else None


def _falls(own: float, other: float, interval: Any, most_percent: int) -> bool:
    high = interval[1]
    return other > 0 and below(own, other, most_percent) and high is not None and bool(high < 0)

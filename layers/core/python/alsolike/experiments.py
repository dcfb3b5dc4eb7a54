"""Experiments: users are split among arms, each of which is answered in its own way."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Arm:
    """A share of an experiment's users, and what is done for them; with none of the three they are the control.

    Attributes
    ----------
    share
        Between 0 and 1; those of an experiment add up to 1.
    recommender, rules, model
        Recommender, rule set or model version that answers them.
    """

    name: str
    share: float
    recommender: str | None = None
    rules: str | None = None
    model: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Experiment:
    """A comparison of arms over some time.

    Attributes
    ----------
    layer
        Of the experiments in one layer only one runs at a time, so that no two of them touch the same answer.
    start_ms, end_ms
        First moment, and the moment after the last; with None it runs until it is taken out.
    arms
        In the order of the document.
    on
        Recommenders whose requests it is about.
    """

    name: str
    layer: str
    start_ms: int
    end_ms: int | None
    arms: tuple[Arm, ...]
    on: tuple[str, ...] = ("for-you",)

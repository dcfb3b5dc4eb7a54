"""Experiments and their reports as people read them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from alsolike.domain.experiments import Arm, Experiment
from alsolike.experiments.comparison import Interval
from alsolike.experiments.metrics import RatioMetric
from alsolike.experiments.report import MISMATCH_BELOW, ExperimentReport, sentence
from cli import console
from operations.configuration import yaml_document
from operations.experiments.planning import Plan


def print_report(found: ExperimentReport, metric: RatioMetric, *, status: str) -> None:
    """Print the arms as a table, then what follows from them and what was left out."""
    console.print_table(
        ["arm", "share", "users", "answers", "degraded", found.metric, "lift", "95% interval", "p", "one look: 95%",
         "one look: p"],
        [
            [
                f"{arm.name} (control)" if found.control == arm.name != "control" else arm.name,
                f"{arm.share:.0%}",
                arm.users,
                arm.answers,
                "" if arm.degraded_share is None else f"{arm.degraded_share:.1%}",
                arm.value,
                f"{arm.lift.lift:+.1%}" if arm.lift else "",
                _interval(arm.lift.interval) if arm.lift else "",
                _p(arm.lift.p_value) if arm.lift else "",
                _interval(arm.lift.fixed_interval) if arm.lift else "",
                _p(arm.lift.fixed_p_value) if arm.lift else "",
            ]
            for arm in found.arms
        ],
        title=f"{found.experiment}, {status}; {found.metric}: {metric.about}",
    )  # fmt: skip
    console.print_line(sentence(found))
    ratio = "as the shares say" if found.sample_ratio_p_value >= MISMATCH_BELOW else "NOT as the shares say"
    console.print_line(f"split     {ratio} (p {_p(found.sample_ratio_p_value)})")
    console.print_line(f"days      {found.days} of {found.of_days} have answers")
    left_out = found.excluded
    for count, what in (
        (left_out.unassigned, "responses in no arm: to no user, or before functions loaded the experiment"),
        (left_out.users_in_two_arms, "users in two arms"),
        (left_out.nameless, "answers in an arm without a user"),
    ):
        if count:
            console.print_line(f"left out  {count:,} {what}")
    for arm, count in left_out.unknown_arms.items():
        console.print_line(f"left out  {count:,} answers in the unknown arm {console.visible(arm)}")


def print_started(name: str, stated: Mapping[str, Any], plan: Plan, version: int | None, *, as_json: bool) -> None:
    """Print an experiment as it is stated now; `version` is that of the configuration, None where it is not started."""
    if as_json:
        console.print_json({"name": name, "version": version, "experiment": stated, "plan": dataclasses.asdict(plan)})
        return
    if version is not None:
        console.say(f"{name} starts: version {version} is live; functions follow within a minute")
        console.say("add it to your file, otherwise the next `alsolike config apply` fails:")
    console.print_line(yaml_document.dump({"experiments": {name: dict(stated)}}).rstrip("\n"))


def what_to_do(experiment: Experiment, winner: Arm) -> str:
    """Say how all users get what those of an arm got."""
    if winner.rules is not None:
        stated = ", ".join(f"{recommender}: {{rules: {winner.rules}}}" for recommender in experiment.on)
        return f"for all users: apply a configuration with `recommenders: {{{stated}}}`"
    if winner.model is not None:
        return f"for all users: alsolike models promote {winner.model} --reason '{winner.name} won {experiment.name}'"
    on = ", ".join(experiment.on)
    if winner.recommender is not None:
        return f"for all users: request {winner.recommender} in place of {on}"
    return f"{on}: all users get the normal settings, as {winner.name} did"


def shown(arm: Arm) -> str:
    """Return an arm on one line: its share, and what is done for it."""
    does = next(
        (f" {kind} {name}" for kind in ("recommender", "rules", "model") if (name := getattr(arm, kind)) is not None),
        "",
    )
    return f"{arm.name} {arm.share:.0%}{does}"


def _interval(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "unbounded"
    return f"{interval.low:+.1%} to {interval.high:+.1%}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"

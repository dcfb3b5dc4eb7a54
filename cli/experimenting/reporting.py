"""A report as people read it."""

from __future__ import annotations

from alsolike.comparison import Interval
from cli import console
from cli.experimenting.metrics import Metric
from cli.experimenting.report import MISMATCH_BELOW, Report, sentence


def print_report(found: Report, metric: Metric, *, status: str) -> None:
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
        (left_out.unassigned, "answers in no arm: to nobody, or before functions had read of it"),
        (left_out.users_in_two_arms, "users in two arms"),
        (left_out.nameless, "answers in an arm without a user"),
    ):
        if count:
            console.print_line(f"left out  {count:,} {what}")
    for arm, count in left_out.unknown_arms.items():
        console.print_line(f"left out  {count:,} answers in the arm {console.visible(arm)}, which there is not")


def _interval(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "unbounded"
    return f"{interval.low:+.1%} to {interval.high:+.1%}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"

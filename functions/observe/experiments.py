"""Experiments of the configuration with their current results, computed within the time of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.api.documents import fields_of
from alsolike.configuration.experiments import Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.experiments import report as reports
from alsolike.experiments.metrics import BEFORE_DAYS, METRICS, READ
from alsolike.lake.partitions import event_date
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    import pyarrow as pa

    from operations.experiments.outcomes_by_user import ArmTally

MAX_USERS = 400_000
"""Maximum number of users in all experiments, limited by the function's memory. With more users, results are partial.
"""


def experiments(
    client: S3Client, bucket: str, configured: Iterable[Experiment], *, has_time: Callable[[], bool], now_ms: int
) -> dict[str, Any]:
    """Return the response of `GET /operator/experiments`.

    Running experiments come first, then planned and then ended ones. Within each of these groups, the latest end, or
    start without an end, comes first. Outcomes are read once for all running experiments, then for ended ones, and then
    for the days before each start, until the time ends.
    """
    from operations.experiments.outcomes_by_user import ArmTally  # slow import that only this route waits for

    order = {"running": 0, "planned": 1, "ended": 2}
    ordered = sorted(
        configured,
        key=lambda experiment: (
            order[experiment.status(now_ms)],
            -(experiment.end_ms or experiment.start_ms),
            experiment.name,
        ),
    )
    tallies = {experiment.name: ArmTally(experiment) for experiment in ordered if experiment.start_ms <= now_ms}
    partial: set[str] = set()
    for status in ("running", "ended"):
        selected = [tallies[experiment.name] for experiment in ordered if experiment.status(now_ms) == status]
        partial |= _read(client, bucket, selected, all_tallies=tallies.values(), has_time=has_time, now_ms=now_ms)
    _read_before(client, bucket, list(tallies.values()), has_time=has_time)
    return {
        "experiments": [
            _document(
                experiment,
                reports.report(
                    experiment,
                    METRICS[experiment.metric],
                    tallies.get(experiment.name) or ArmTally(experiment),
                    now_ms=max(now_ms, experiment.start_ms),
                ),
                status=experiment.status(now_ms),
                partial=experiment.name in partial,
            )
            for experiment in ordered
        ]
    }


def _read(
    client: S3Client,
    bucket: str,
    tallies: Sequence[ArmTally],
    *,
    all_tallies: Iterable[ArmTally],
    has_time: Callable[[], bool],
    now_ms: int,
) -> set[str]:
    """Add the responses on the experiments' days. Return the names of experiments with unread days."""
    if not tallies:
        return set()
    last_ms = {tally: min(now_ms, (tally.experiment.end_ms or now_ms + 1) - 1) for tally in tallies}
    first = event_date(min(tally.experiment.start_ms for tally in tallies))
    last = event_date(max(last_ms.values()))
    for date, answers in _pieces(client, bucket, first=first, last=last):
        if not has_time() or sum(tally.seen for tally in all_tallies) > MAX_USERS:
            return {tally.experiment.name for tally in tallies if event_date(last_ms[tally]) >= date}
        for tally in tallies:
            if event_date(tally.experiment.start_ms) <= date <= event_date(last_ms[tally]):
                tally.add(answers)
    return set()


def _read_before(client: S3Client, bucket: str, tallies: Sequence[ArmTally], *, has_time: Callable[[], bool]) -> None:
    """Add the responses before the start of each experiment. If the time ends, responses of later days are missing."""
    if not tallies:
        return
    starts_ms = [tally.experiment.start_ms for tally in tallies]
    first, last = event_date(min(starts_ms) - BEFORE_DAYS * DAY_MS), event_date(max(starts_ms))
    for _, answers in _pieces(client, bucket, first=first, last=last):
        if not has_time():
            return
        for tally in tallies:
            tally.add_before(answers)


def _pieces(client: S3Client, bucket: str, *, first: str, last: str) -> Iterator[tuple[str, pa.Table]]:
    """Yield the outcomes of the days `first` to `last` (ISO 8601), each table with its day."""
    from operations.experiments.lake_tables import read_outcomes

    try:
        for answers in read_outcomes(client, bucket, first=first, last=last, columns=READ):
            yield event_date(answers["served_ms"][0].as_py()), answers
    except InvalidInput as error:
        raise Unavailable(str(error)) from error


def _document(
    experiment: Experiment, report: reports.ExperimentReport, *, status: str, partial: bool
) -> dict[str, Any]:
    return {
        **fields_of(experiment, "name", "layer", "start_ms", "end_ms"),
        **fields_of(report, "metric", "winner"),
        "state": status,
        "verdict": None if status == "planned" else report.verdict,
        "sampleRatioPValue": report.sample_ratio_p_value if any(arm.users for arm in report.arms) else None,
        "partial": partial,
        "arms": [
            {
                **fields_of(arm, "name", "share", "users", "answers", "value"),
                "control": arm.name == report.control,
                "lift": arm.lift and arm.lift.lift,
                "liftLow": arm.lift and arm.lift.interval.low,
                "liftHigh": arm.lift and arm.lift.interval.high,
                "pValue": arm.lift and arm.lift.p_value,
            }
            for arm in report.arms
        ],
    }

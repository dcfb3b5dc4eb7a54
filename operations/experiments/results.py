"""Attribution of outcomes, and forecast and report of an experiment from stored outcomes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import orjson
import pyarrow as pa

from alsolike.configuration.experiments import Experiment
from alsolike.declarations.times import DAY_MS
from alsolike.experiments.metrics import BEFORE_DAYS, READ, RatioMetric, metric_of
from alsolike.experiments.report import ExperimentReport, report
from alsolike.lake.partitions import event_date
from alsolike.runtime.errors import InvalidInput
from operations import progress, times
from operations.client.deployment import Deployment
from operations.client.functions import invoke
from operations.client.stored_ids import stored_user_ids
from operations.configuration.deployed_configuration import live_configuration
from operations.experiments import planning
from operations.experiments.lake_tables import read_outcomes
from operations.experiments.outcomes_by_user import ArmTally
from operations.experiments.stored_experiments import experiment_of


def report_of(
    deployment: Deployment, name: str, *, metric: str | None, now_ms: int
) -> tuple[ExperimentReport, RatioMetric, str]:
    """Return the report of an experiment, its metric and its status."""
    experiment = experiment_of(live_configuration(deployment), name)
    ratio_metric = metric_of(metric or experiment.metric)
    if experiment.start_ms > now_ms:
        start = times.text(experiment.start_ms, "minutes")
        raise InvalidInput(f"{name} starts {start} UTC; there is nothing to report yet")
    last_ms = min(now_ms, (experiment.end_ms or now_ms) - 1)
    tally = ArmTally(experiment)
    for piece in _outcomes_between(deployment, first_ms=experiment.start_ms, last_ms=last_ms):
        tally.add(piece)
    first_ms = experiment.start_ms - BEFORE_DAYS * DAY_MS
    for piece in _outcomes_between(deployment, first_ms=first_ms, last_ms=experiment.start_ms):
        tally.add_before(piece)
    return report(experiment, ratio_metric, tally, now_ms=now_ms), ratio_metric, experiment.status(now_ms)


def plan_for(
    deployment: Deployment, experiment: Experiment, metric: RatioMetric, *, requested_lift: float | None, now_ms: int
) -> planning.Plan:
    answers = _outcomes_between(deployment, first_ms=now_ms - planning.BASELINE_DAYS * DAY_MS, last_ms=now_ms)
    days = planning.DEFAULT_DAYS
    if experiment.end_ms is not None:
        days = max(round((experiment.end_ms - experiment.start_ms) / DAY_MS), 1)
    return planning.plan(experiment, metric, answers, days=days, requested_lift=requested_lift, now_ms=now_ms)


def shortage_of(deployment: Deployment, experiment: Experiment, plan: planning.Plan) -> str | None:
    users = plan.users
    if users is None:
        users = len(list(itertools.islice(stored_user_ids(deployment), planning.needed_users(experiment))))
    return planning.shortage(experiment, users)


def _outcomes_between(deployment: Deployment, *, first_ms: int, last_ms: int) -> Iterator[pa.Table]:
    days = {"first": event_date(first_ms), "last": event_date(last_ms)}
    return read_outcomes(deployment.client("s3"), deployment.names.lake_bucket, **days, columns=READ)


def attribute(deployment: Deployment) -> None:
    """Attribute pending events to responses now, instead of at the next scheduled run."""
    with progress.step("attribution") as step:
        outcome = orjson.loads(
            invoke(deployment, deployment.names.attribute_outcomes_function, {}, failure="attribution failed")
        )
        more = "" if outcome["complete"] else ", more are left for the next call"
        step.note(progress.counted(outcome["days"], "day") + more)

"""Durations, memory and log sizes of the functions, measured on the embedded cloud."""

from __future__ import annotations

import dataclasses
import itertools
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from alsolike.catalogue.items import CatalogueStore
from alsolike.runtime.errors import InvalidInput, Unavailable
from operations import cost_measurement_shop, embedded_cloud, progress, times
from operations.client import deployment as deployments
from operations.client.api import Api
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.cost.traffic import DURATIONS, Duration
from operations.models import training_run

CALLS = 100
TIMEOUT_S = 120.0
LINE_OVERHEAD_BYTES = 26
"""Number of bytes that CloudWatch Logs adds to each line."""

ENVIRONMENT = "demo"
CAVEAT = (
    "durations are of this machine's processor and of AWS on the same machine, one call at a time: Lambda's, and its "
    "waits for AWS, differ; calls that started a process are left out"
)
_REPORT = re.compile(r"^REPORT RequestId: \S+\s+Duration: ([\d.]+) ms.*Max Memory Used: (\d+) MB(.*)", re.DOTALL)
_OF_LAMBDA = re.compile(r"(START|END|REPORT) RequestId: ")
_SERVICE = re.compile(r'"service":"([a-z_]+)"')
_ARCHIVED = re.compile(r'"InteractionsArchived":\[([\d.]+)\]')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """Measurements of a function's calls.

    `records` and `log_bytes` are means per call. `log_bytes` excludes Lambda's own lines.
    """

    calls: int
    mean_ms: float
    max_memory_mb: int
    log_bytes: int
    records: float | None = None

    def duration(self, known: Duration) -> Duration:
        """Return `known` with both durations scaled by one factor, so that a call with `records` takes `mean_ms`."""
        factor = self.mean_ms / known.ms(self.records or 0.0)
        seen = f"measured: {self.calls} call(s), {self.mean_ms:.1f} ms"
        return Duration(known.call_ms * factor, known.record_ms * factor, seen, self.log_bytes)


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """Measurements by function name, with remarks for the reader."""

    functions: Mapping[str, CallFigures]
    remarks: Sequence[str] = (CAVEAT,)

    @property
    def durations(self) -> dict[str, Duration]:
        return {name: each.duration(DURATIONS[name]) for name, each in self.functions.items() if name in DURATIONS}


def measure(*, state: Path | None, events_per_call: int) -> Measured:
    """Measure on the cloud of a state file, or on a new cloud with a synthetic shop and a model."""
    if state is not None:
        return Measured(_drive(deployments.embedded(state), events_per_call=events_per_call, since_ms=times.now_ms()))
    embedded_cloud.build_layers()
    assembly = embedded_cloud.synthesize(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="alsolike-cost-") as name:
        directory = Path(name)
        with embedded_cloud.running_cloud(assembly, state=directory / "cloud.json") as cloud:
            deployment = deployments.from_cloud(cloud)
            trained = _train(deployment, directory)
            return Measured(_drive(deployment, events_per_call=events_per_call, since_ms=0), (CAVEAT, *trained))


def _train(deployment: Deployment, directory: Path) -> Sequence[str]:
    """Import a synthetic shop and train on it. Return a remark if the model was not promoted."""
    from operations.ingest.load_interactions import import_interactions
    from operations.ingest.load_metadata import import_items

    now_s = int(time.time())
    items, interactions = directory / "items.csv", directory / "interactions.csv"
    cost_measurement_shop.write_items(items)
    cost_measurement_shop.write_interactions(interactions, now_s=now_s)
    with progress.step("import a made-up shop"):
        import_items([items], deployment, now_ms=now_s * 1_000)
        import_interactions([interactions], deployment, default_event_type="view", now_ms=now_s * 1_000)
    with progress.step("train on it") as step:
        run = training_run.start(deployment, reason="measuring cost")
        outcome = training_run.follow(deployment, run, on_state=step.note)
    if outcome.decision != "promoted":
        return [f"no model serves: its version was {outcome.decision}; recommend answered without one"]
    Api(deployment).wait_for_model(outcome.version, cost_measurement_shop.user_ids()[0], k=25)
    return []


def _drive(deployment: Deployment, *, events_per_call: int, since_ms: int) -> dict[str, CallFigures]:
    """Send a load, and measure the calls since `since_ms`."""
    api, users, started_ms = Api(deployment), cost_measurement_shop.user_ids(), times.now_ms()
    # Read the table directly, because a read through the API would be a call of `collect`.
    stored, _ = CatalogueStore(deployment.client("dynamodb"), deployment.names.catalogue_table).page(limit=100)
    items = itertools.cycle([each.row.item_id for each in stored] or cost_measurement_shop.item_ids())
    with progress.step("send events and requests", total=CALLS) as step:
        for number, user_id in zip(range(CALLS), itertools.cycle(users)):
            event = {"eventType": "view", "sentAt": int(time.time())}
            events = [
                {**event, "itemId": next(items), "eventId": f"cost-{started_ms}-{number}-{index}"}
                for index in range(events_per_call)
            ]
            api.put_events(user_id, events, session_id=f"cost-{number}")
            api.recommendations(user_id, k=25)
            step.advance()
    sent = CALLS * events_per_call
    with progress.step("wait for what follows from them"):
        logs = _wait_until_archived(deployment, sent, since_ms=since_ms)
    records = dict.fromkeys(("collect", "update_profiles", "archive_events", "count_trends"), sent)
    measured = figures(logs, records=records | {"recommend": CALLS, "archive_served": CALLS})
    if not measured:
        raise InvalidInput("the functions log no durations; set log_invocations to true and deploy, or omit --state")
    return measured


def figures(logs: Mapping[str, Sequence[str]], *, records: Mapping[str, int]) -> dict[str, CallFigures]:
    """Measure each function from its log lines. `records` has the number of records that each function processed."""
    measurements = {}
    for name, lines in logs.items():
        reports = [report for line in lines if (report := _REPORT.match(line))]
        if not reports:
            continue
        warm = [float(report[1]) for report in reports if "Init Duration" not in report[3]]
        durations = warm or [float(report[1]) for report in reports]
        own = [len(line.encode()) + LINE_OVERHEAD_BYTES for line in lines if not _OF_LAMBDA.match(line)]
        measurements[name] = CallFigures(
            calls=len(reports),
            mean_ms=statistics.fmean(durations),
            max_memory_mb=max(int(report[2]) for report in reports),
            log_bytes=round(sum(own) / len(reports)),
            records=records[name] / len(reports) if name in records else None,
        )
    return measurements


def _wait_until_archived(deployment: Deployment, events: int, *, since_ms: int) -> dict[str, list[str]]:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        logs = _read_logs(deployment, since_ms=since_ms)
        archived = sum(float(count) for line in logs.get("archive_events", ()) for count in _ARCHIVED.findall(line))
        if archived >= events:
            return logs
        if time.monotonic() > deadline:
            raise Unavailable(f"of {events} events {archived:g} are in the lake after {TIMEOUT_S:g} s")
        time.sleep(1.0)


def _read_logs(deployment: Deployment, *, since_ms: int) -> dict[str, list[str]]:
    # The field `service` of the metrics in a log names the function.
    client, names = deployment.client("logs"), defaultdict[str, list[str]](list)
    with translate_aws_errors("CloudWatch Logs"):
        groups = client.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName")
        for group in groups:
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
            lines = list(pages.search("events[].message"))
            named = next((name[1] for line in lines if (name := _SERVICE.search(line))), None)
            if named is not None:
                names[named] += lines
    return names

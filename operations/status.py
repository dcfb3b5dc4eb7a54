"""Status of a deployment: functions, stores, model and latest trainings."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from alsolike.declarations.storage import SNAPSHOT_KEY
from alsolike.lake import lake_objects
from alsolike.lake.lake_objects import LakeObject
from alsolike.registry.canary import Canary
from alsolike.registry.champion_pointer import Champion
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, InvalidInput, InvalidSnapshot, Unavailable
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.manifest import Manifest
from alsolike.training.monitoring import DriftReport
from alsolike.training.runs import TrainingRun
from operations import drift_reports, times
from operations.alarms import alarms
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import store_of
from operations.incomplete_responses import incomplete_responses
from operations.keys import Keys
from operations.metric_values import metric_values
from operations.metric_writers import NAMESPACE
from operations.models import training_run
from operations.models import versions as model_versions
from operations.replication_lag import lags

if TYPE_CHECKING:
    from local_cloud.client import Cloud

T = TypeVar("T")

_RUNS = 5
GAP_DAYS = 30
"""Number of days before the latest day that are checked for missing events."""
ERROR_HOURS = 1


def collect(deployment: Deployment, *, cloud: Cloud | None = None) -> dict[str, Any]:
    """Return the state of a deployment. `cloud` is its embedded cloud, which has further data; None on AWS."""
    names, client = deployment.names, deployment.client
    unreadable: list[str] = []
    champion = _readable(lambda: model_versions.pointer(deployment).champion(), unreadable)
    with translate_aws_errors(f"stream {names.stream_name}"):
        stream = client("kinesis").describe_stream_summary(StreamName=names.stream_name)["StreamDescriptionSummary"]
    runs = training_run.runs(deployment).latest(maximum=_RUNS)
    return {
        "environment": deployment.environment,
        "api_url": names.api_url,
        "api_domain": names.api_domain or None,
        "other_region": names.other_region or None,
        "web_url": names.web_url or None,
        "region": names.region,
        "tracking_id": names.tracking_id,
        "items_dataset_arn": names.items_dataset_arn,
        "users_dataset_arn": names.users_dataset_arn,
        "alarms": [
            alarm
            for alarm in alarms(deployment.client("cloudwatch"), deployment=deployment.environment)["alarms"]
            if alarm["state"] == "ALARM"
        ],
        "functions": _functions(deployment),
        "incomplete_responses": _incomplete(deployment),
        "lake": _lake(deployment),
        "snapshot": _readable(lambda: _snapshot(deployment), unreadable),
        "missing_tables": (missing := _missing_tables(deployment)),
        "dead_keys": [] if names.keys_table in missing else _dead_keys(deployment, now_ms=times.now_ms()),
        "layers": list(layer_sentences(cloud)) if cloud else [],
        "refused": _refused(cloud) if cloud else [],
        "stream": {
            "name": names.stream_name,
            "status": stream["StreamStatus"],
            "open_shards": stream["OpenShardCount"],
        },
        "champion": _champion(deployment, champion) if champion else None,
        "trial": _canary(champion.canary) if champion and champion.canary else None,
        "held": f"promotions are {champion.held}" if champion and champion.held else None,
        "drift": _drift(drift_reports.latest(deployment)),
        "configuration_version": _readable(lambda: store_of(deployment).current().version, unreadable),
        "replication": lags(deployment),
        "training_runs": [_run(run) for run in runs],
        "unreadable": unreadable,
    }


def _readable(read: Callable[[], T], unreadable: list[str]) -> T | None:
    """Call `read`. If the object is unreadable, append the error message to `unreadable` and return None."""
    try:
        return read()
    except (InvalidBundle, InvalidInput, InvalidSnapshot) as error:
        unreadable.append(str(error))
        return None


def _lake(deployment: Deployment) -> dict[str, Any]:
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    with translate_aws_errors(f"s3://{bucket}"):
        objects = list(lake_objects.list_objects(client, bucket))
        days = sorted({listed.date for listed in objects})
        latest = [listed for listed in objects if listed.date == days[-1]] if days else []
        rows = _rows(client, bucket, latest)
    return {
        "days": len(days),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "rows_of_last_day": rows,
        "missing_days": missing_days(days),
        "objects": len(objects),
        "size_bytes": sum(listed.size_bytes for listed in objects),
    }


def missing_days(days: Iterable[str]) -> list[str]:
    """Return the days without events among the `GAP_DAYS` days before the last day.

    Examples
    --------
    >>> missing_days(["2026-03-01", "2026-03-02", "2026-03-05"])
    ['2026-03-03', '2026-03-04']
    """
    known = sorted(map(dt.date.fromisoformat, days))
    if not known:
        return []
    first = max(known[0], known[-1] - dt.timedelta(days=GAP_DAYS))
    span = (first + dt.timedelta(days=number) for number in range((known[-1] - first).days))
    return [day.isoformat() for day in span if day not in set(known)]


def _rows(client: S3Client, bucket: str, objects: Iterable[LakeObject]) -> int:
    import pyarrow.parquet as pq

    # `read` returns None for an object that a compaction has deleted meanwhile.
    bodies = (lake_objects.read(client, bucket, listed) for listed in objects)
    return sum(pq.read_metadata(io.BytesIO(body)).num_rows for body in bodies if body is not None)


def _snapshot(deployment: Deployment) -> dict[str, Any] | None:
    with translate_aws_errors("the catalogue snapshot"):
        stored = S3Object(deployment.client("s3"), deployment.names.artefact_bucket, SNAPSHOT_KEY).read()
    if stored is None:
        return None
    manifest = Manifest.from_json(stored.body)
    return {"published_ms": manifest.published_ms, "rows": sum(segment.rows for segment in manifest.segments)}


def _missing_tables(deployment: Deployment) -> list[str]:
    names, client = deployment.names, deployment.client("dynamodb")
    missing = []
    for table in (names.profiles_table, names.catalogue_table, names.users_table, names.keys_table):
        try:
            client.describe_table(TableName=table)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise Unavailable(f"table {table}: {error}") from error
            missing.append(table)
    return missing


def _dead_keys(deployment: Deployment, *, now_ms: int) -> list[str]:
    keys = Keys(deployment.client, deployment.names)
    return [key.key_id for key in keys.all() if key.is_active(now_ms=now_ms) and not keys.can_decrypt(key)]


def _champion(deployment: Deployment, champion: Champion) -> dict[str, Any]:
    damaged = model_versions.damaged_files_of(deployment, champion.version)
    return {
        "version": champion.version,
        "reason": champion.history[0].reason,
        "forced": champion.is_forced,
        "damaged": [str(file) for file in damaged],
    }


def _run(run: TrainingRun) -> dict[str, Any]:
    return {
        "name": run.name,
        "status": run.status,
        "started": run.started.isoformat(timespec="seconds"),
        "run_id": run.run_id,
        "version": run.version,
        "decision": run.decision,
        "reason": run.reason,
    }


def _canary(canary: Canary) -> str:
    started, ends = (
        f"{dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        for at_ms in (canary.started_ms, canary.ends_ms)
    )
    return f"canary {canary.version}: {canary.share:.0%} of the users from {started} to {ends}, run {canary.run_id}"


def _drift(report: DriftReport | None) -> str | None:
    if report is None:
        return None
    known = [figure.value for figure in report.figures if figure.value is not None]
    maximum = f"largest PSI {max(known):.3f}" if known else "no figure could be compared"
    drifted = ", ".join(figure.name for figure in report.drifted)
    failed = ", ".join(check.name for check in report.checks if check.failed)
    return f"drift: {maximum}" + f", drifted: {drifted}" * bool(drifted) + f", failed checks: {failed}" * bool(failed)


def layer_sentences(cloud: Cloud) -> tuple[str, ...]:
    runtimes, own, other = dict[str, None](), set[str](), dict[str, None]()
    for function in cloud.state.functions.values():
        runtimes[
            f"functions run on Python {function['python']} ({function['architecture']}) under "
            f"{function['runtime_client']}; the template requests {function['template_runtime']} "
            f"({function['template_architecture']})"
        ] = None
        for source in function["layers"]:
            if source["source"] == "layer":
                own.add(source["package"])
                continue
            layer = source["layer"].split(":layer:")[-1]
            package = f"all of {layer}" if source["package"] == "*" else source["package"]
            other[f"from the environment: {package} ({source['reason']})"] = None
    return (*runtimes, f"from the layers as built: {', '.join(sorted(own))}", *other)


def _refused(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the numbers of requests that IAM would refuse, by message."""
    return [{"message": message, "requests": number} for message, number in cloud.permissions()["refused"].items()]


def failing(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [function for function in report["functions"] if function["errors"]]


def _functions(deployment: Deployment) -> list[dict[str, Any]]:
    # The metrics namespace identifies the functions, because CloudFormation truncates long names.
    namespace = NAMESPACE.replace("<environment>", deployment.environment)
    with translate_aws_errors("Lambda functions"):
        pages = deployment.client("lambda").get_paginator("list_functions").paginate()
        functions = [
            function
            for page in pages
            for function in page["Functions"]
            if function.get("Environment", {}).get("Variables", {}).get("POWERTOOLS_METRICS_NAMESPACE") == namespace
        ]
    errors = _errors(deployment, [function["FunctionName"] for function in functions])
    return sorted(
        (
            {
                "name": function["Handler"].split(".")[1],
                "function_name": function["FunctionName"],
                "errors": errors.get(function["FunctionName"], 0),
                "runtime": function["Runtime"],
                "memory_mb": function["MemorySize"],
                "timeout_s": function["Timeout"],
                "layers": [layer["Arn"].split(":layer:")[-1] for layer in function.get("Layers", [])],
            }
            for function in functions
        ),
        key=lambda function: str(function["name"]),
    )


def _errors(deployment: Deployment, functions: Sequence[str]) -> dict[str, int]:
    metrics = [
        {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
        }
        for function in functions
    ]
    end = dt.datetime.now(dt.UTC)
    with translate_aws_errors("metrics of the deployment"):
        values = metric_values(
            deployment.client("cloudwatch"),
            metrics,
            statistic="Sum",
            start=end - dt.timedelta(hours=ERROR_HOURS),
            end=end,
            period_s=ERROR_HOURS * 3_600,
        )
    counts = (round(sum(errors)) for errors in values)
    return {function: count for function, count in zip(functions, counts, strict=True) if count}


def _incomplete(deployment: Deployment) -> list[dict[str, Any]]:
    until_ms = times.now_ms()
    return incomplete_responses(
        deployment.client("cloudwatch"),
        NAMESPACE.replace("<environment>", deployment.environment),
        from_ms=until_ms // 60_000 * 60_000 - ERROR_HOURS * 3_600_000,
        until_ms=until_ms,
    )

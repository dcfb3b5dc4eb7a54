"""`alsolike status`: what runs, what serves, what was trained last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from alsolike.registry.canary import Canary
    from alsolike.training.monitoring import DriftReport
    from alsolike.training.runs import TrainingRun
    from operations.client.deployment import Deployment

_RUNS = 5


def status(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show the deployment: functions, champion, training runs.

    Example: alsolike status --env prod
    """
    from cli import console, website
    from operations.client import deployment

    where = deployment.resolve(stack=stack, state=state)
    report = collect(where, layers=_layers(state) if where.is_local else ())
    if as_json:
        console.print_json(report)
        return
    console.print_line(f"{report['environment']}: {where.names.api_url}")
    for line in website.page_lines(where):
        console.print_line(line)
    columns = ["name", "runtime", "memory_mb", "timeout_s"]
    rows = [
        [*(function[column] for column in columns), ", ".join(function["layers"])] for function in report["functions"]
    ]
    console.print_table(["function", "runtime", "memory MB", "timeout s", "layers"], rows)
    for line in report["layers"]:
        console.print_line(line)
    console.print_line(f"trackingId {report['tracking_id']}")
    for dataset in ("items", "users"):
        console.print_line(f"datasetArn of {dataset} {report[f'{dataset}_dataset_arn']}")
    stream = report["stream"]
    console.print_line(f"stream {stream['name']}: {stream['status']}, {_shards(stream['open_shards'])}")
    champion = report["champion"]
    console.print_line(f"champion {champion['version']}: {champion['reason']}" if champion else "champion none yet")
    for line in (report["trial"], report["held"]):
        if line:
            console.print_line(line)
    if report["drift"]:
        console.print_line(report["drift"])
    version = report["configuration_version"]
    console.print_line(f"configuration version {version}" if version else "built-in configuration")
    for run in report["training_runs"]:
        console.print_line(_sentence(run))
    if not report["training_runs"]:
        console.print_line("training never ran")


def collect(deployment: Deployment, *, layers: Sequence[str] = ()) -> dict[str, Any]:
    """Return the report that `status` shows.

    Parameters
    ----------
    layers
        What the embedded cloud says of its functions' packages.

    Raises
    ------
    Unavailable
        If a service does not answer.
    """
    from cli import drift
    from operations.client.aws import translate_aws_errors
    from operations.configuration.configuration_store import ConfigurationStore
    from operations.models import training_run
    from operations.models import versions as model_versions

    names, client = deployment.names, deployment.client
    champion = model_versions.pointer(deployment).champion()
    with translate_aws_errors(f"stream {names.stream_name}"):
        stream = client("kinesis").describe_stream_summary(StreamName=names.stream_name)["StreamDescriptionSummary"]
    runs = training_run.latest(deployment, most=_RUNS)
    return {
        "environment": deployment.environment,
        "api_url": names.api_url,
        "web_url": names.web_url or None,
        "region": names.region,
        "tracking_id": names.tracking_id,
        "items_dataset_arn": names.items_dataset_arn,
        "users_dataset_arn": names.users_dataset_arn,
        "functions": _functions(deployment),
        "layers": list(layers),
        "stream": {
            "name": names.stream_name,
            "status": stream["StreamStatus"],
            "open_shards": stream["OpenShardCount"],
        },
        "champion": {"version": champion.version, "reason": champion.history[0].reason} if champion else None,
        "trial": _trial(champion.canary) if champion and champion.canary else None,
        "held": f"new versions are {champion.held}" if champion and champion.held else None,
        "drift": _drift(drift.latest(deployment)),
        "configuration_version": ConfigurationStore(client("s3"), names.artefact_bucket).current().version,
        "training_runs": [_run(run) for run in runs],
    }


def _run(run: TrainingRun) -> dict[str, Any]:
    """Return what is shown of a training run."""
    return {
        "name": run.name,
        "status": run.status,
        "started": run.started.isoformat(timespec="seconds"),
        "run_id": run.run_id,
        "version": run.version,
        "decision": run.decision,
        "reason": run.reason,
    }


def _trial(canary: Canary) -> str:
    """Return a line on the trial that goes on."""
    started, ends = (
        f"{dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        for at_ms in (canary.started_ms, canary.ends_ms)
    )
    return f"on trial {canary.version}: {canary.share:.0%} of the users from {started} to {ends}, run {canary.run_id}"


def _drift(report: DriftReport | None) -> str | None:
    """Return a line on the last look of monitor_models; None before the first."""
    if report is None:
        return None
    known = [figure.value for figure in report.figures if figure.value is not None]
    most = f"largest PSI {max(known):.3f}" if known else "no figure could be compared"
    drifted = ", ".join(figure.name for figure in report.drifted)
    failed = ", ".join(check.name for check in report.checks if check.failed)
    return f"drift: {most}" + f", drifted: {drifted}" * bool(drifted) + f", failed checks: {failed}" * bool(failed)


def _sentence(run: Mapping[str, Any]) -> str:
    """Return a line on a training run."""
    started = dt.datetime.fromisoformat(run["started"])
    said = [f"training {started:%Y-%m-%d %H:%M:%S} UTC {run['status'].lower()}"]
    if run["decision"] == "busy":
        said.append("did nothing")
    elif run["version"]:
        said.append(f"model {run['version']} {run['decision']}")
    elif run["run_id"]:
        said.append(f"run {run['run_id']}")
    said.append(f"execution {run['name']}")
    return ", ".join(said) + (f": {run['reason']}" if run["reason"] else "")


def _shards(count: int) -> str:
    return f"{count} open shard{'' if count == 1 else 's'}"


def _layers(state: Path | None) -> tuple[str, ...]:
    from cli import boot
    from local_cloud.client import Cloud
    from operations.client import deployment

    return boot.layer_sentences(Cloud.attach(state or deployment.state_path()))


def _functions(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the functions of the deployment's stacks, whose names CloudFormation makes of the stacks'."""
    from operations.client.aws import translate_aws_errors

    prefix = f"alsolike-{deployment.environment}-"
    with translate_aws_errors("Lambda functions"):
        pages = deployment.client("lambda").get_paginator("list_functions").paginate()
        found = [
            function for page in pages for function in page["Functions"] if function["FunctionName"].startswith(prefix)
        ]
    return sorted(
        (
            {
                "name": function["Handler"].split(".")[1],
                "function_name": function["FunctionName"],
                "runtime": function["Runtime"],
                "memory_mb": function["MemorySize"],
                "timeout_s": function["Timeout"],
                "layers": [layer["Arn"].split(":layer:")[-1] for layer in function.get("Layers", [])],
            }
            for function in found
        ),
        key=lambda function: str(function["name"]),
    )

"""`alsolike status`: what runs, what serves, what was trained last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from cli.deployment import Deployment

_RUNS = 5


def status(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show functions, stream, champion and the last training runs; locally also which layers the functions use."""
    from cli import console, deployment

    where = deployment.resolve(stack=stack, state=state)
    report = collect(where, layers=_layers(state) if where.is_local else ())
    if as_json:
        console.print_json(report)
        return
    console.print_line(f"{report['environment']}: {where.names.api_url}")
    columns = ["name", "runtime", "memory_mb", "timeout_s"]
    rows = [
        [*(function[column] for column in columns), ", ".join(function["layers"])] for function in report["functions"]
    ]
    console.print_table(["function", "runtime", "memory MB", "timeout s", "layers"], rows)
    for line in report["layers"]:
        console.print_line(line)
    stream = report["stream"]
    console.print_line(f"stream {stream['name']}: {stream['status']}, {stream['open_shards']} open shards")
    champion = report["champion"]
    console.print_line(f"champion {champion['version']}: {champion['reason']}" if champion else "champion none yet")
    for run in report["training_runs"]:
        console.print_line(f"training {run['started']} {run['status'].lower()} {run['name']}")
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
    from cli import model_versions
    from cli.aws import asking

    names, client = deployment.names, deployment.client
    champion = model_versions.pointer(deployment).champion()
    with asking(f"stream {names.stream_name}"):
        stream = client("kinesis").describe_stream_summary(StreamName=names.stream_name)["StreamDescriptionSummary"]
    with asking(f"state machine {names.state_machine_arn}"):
        runs = client("stepfunctions").list_executions(stateMachineArn=names.state_machine_arn)["executions"]
    runs = sorted(runs, key=lambda run: run["startDate"], reverse=True)[:_RUNS]
    return {
        "environment": deployment.environment,
        "api_url": names.api_url,
        "region": names.region,
        "functions": _functions(deployment),
        "layers": list(layers),
        "stream": {
            "name": names.stream_name,
            "status": stream["StreamStatus"],
            "open_shards": stream["OpenShardCount"],
        },
        "champion": {"version": champion.version, "reason": champion.history[0].reason} if champion else None,
        "training_runs": [
            {"name": run["name"], "status": run["status"], "started": f"{run['startDate']:%Y-%m-%d %H:%M:%S}"}
            for run in runs
        ],
    }


def _layers(state: Path | None) -> tuple[str, ...]:
    from cli import boot, deployment
    from local_cloud.client import Cloud

    return boot.layer_sentences(Cloud.attach(state or deployment.state_path()))


def _functions(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the functions of the deployment's stacks, whose names CloudFormation makes of the stacks'."""
    from cli.aws import asking

    prefix = f"alsolike-{deployment.environment}-"
    with asking("Lambda functions"):
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

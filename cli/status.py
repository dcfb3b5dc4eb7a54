"""`alsolike status`: what runs, what serves, what was trained last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.pages import page_lines


def status(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show the deployment: functions, champion, training runs.

    Example: alsolike status --env prod
    """
    from operations.status import collect

    where = deployment.resolve(stack=stack, state=state)
    report = collect(where, layers=_layers(state) if where.is_local else ())
    if as_json:
        console.print_json(report)
        return
    console.print_line(f"{report['environment']}: {where.names.api_url}")
    for line in page_lines(where):
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
    from local_cloud.client import Cloud
    from operations.status import layer_sentences

    return layer_sentences(Cloud.attach(state or deployment.state_path()))

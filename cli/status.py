"""`alsolike status`: what runs, what serves, what was trained last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from cli import console
from cli.options import Context
from operations.pages import page_lines
from operations.progress import counted


def status(context: Context) -> None:
    """Show the deployment: functions, champion, training runs.

    Example: alsolike status --env prod
    """
    from operations.status import collect, layers_of

    where = context.deployment
    report = collect(where, layers=layers_of(context.state) if where.is_local else ())
    if context.printed(report):
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
    console.print_line(f"stream {stream['name']}: {stream['status']}, {counted(stream['open_shards'], 'open shard')}")
    champion = report["champion"]
    console.print_line(f"champion {champion['version']}: {champion['reason']}" if champion else "champion none yet")
    for line in (report["trial"], report["held"], report["drift"]):
        if line:
            console.print_line(line)
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

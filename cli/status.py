"""`alsolike status`: state of the deployment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from typer import Option

from cli import terminal
from cli.options import Context
from operations import times
from operations.pages import page_lines
from operations.progress import counted

_SHOWN_DAYS = 5


def status(
    context: Context,
    show_all: Annotated[bool, Option("--all", help="Show all functions and the sources of their packages.")] = False,
) -> None:
    """Show the champion, alarms, trainings and failing functions.

    A function is failing if calls in the last hour ended with an error.

    Example: alsolike status --env prod
    """
    from operations.client.deployment import embedded_cloud
    from operations.status import collect, failing

    deployment = context.deployment
    report = collect(deployment, cloud=embedded_cloud(context.state) if deployment.is_local else None)
    if context.printed(report):
        return
    champion = report["champion"]
    for line in _champion_lines(champion):
        terminal.print_line(line)
    for fault in report["unreadable"]:
        terminal.print_line(f"unreadable: {fault}; see docs/runbooks/degraded.md")
    for alarm in report["alarms"]:
        terminal.print_line(f"alarm {alarm['id']}, {alarm['severity']}: {alarm['description']}")
    for refused in report["refused"]:
        terminal.print_line(f"{counted(refused['requests'], 'request')} without permission: {refused['message']}")
    for line in (report["trial"], report["held"], report["drift"]):
        if line:
            terminal.print_line(line)
    for run in report["training_runs"]:
        terminal.print_line(_sentence(run))
    if not report["training_runs"]:
        terminal.print_line("training never ran")
    for row in report["incomplete_responses"]:
        terminal.print_line(
            f"{row['recommender']} with filter {row['filter']}: {counted(row['empty'], 'empty response')} and "
            f"{row['short']:,} short ones in the last hour; see docs/runbooks/empty.md"
        )
    for line in _store_lines(report):
        terminal.print_line(line)
    for line in _replication_lines(report["replication"]):
        terminal.print_line(line)
    version = report["configuration_version"]
    terminal.print_line(f"configuration version {version}" if version else "built-in configuration")
    terminal.print_line(f"{report['environment']}: {deployment.names.api_url}")
    if report["api_domain"]:
        regions = f"{report['region']} or {report['other_region']}"
        terminal.print_line(f"https://{report['api_domain']} leads to the API in {regions}")
    for line in page_lines(deployment):
        terminal.print_line(line)
    terminal.print_line(f"trackingId {report['tracking_id']}")
    for dataset in ("items", "users"):
        terminal.print_line(f"datasetArn of {dataset} {report[f'{dataset}_dataset_arn']}")
    stream = report["stream"]
    terminal.print_line(f"stream {stream['name']}: {stream['status']}, {counted(stream['open_shards'], 'open shard')}")
    failed = failing(report)
    for function in failed:
        errors = counted(function["errors"], "error")
        terminal.print_line(f"function {function['name']}: {errors} in the last hour ({function['function_name']})")
    if show_all:
        _print_functions(report)
        return
    functions = f"{counted(len(report['functions']), 'function')}, {len(failed)} failing"
    terminal.print_line(f"{functions}; list them with `{terminal.call('status', '--all', *context.options)}`")


def _champion_lines(champion: Mapping[str, Any] | None) -> Iterator[str]:
    if champion is None:
        yield "champion none yet"
        return
    yield f"champion {champion['version']}{', forced' * champion['forced']}: {champion['reason']}"
    if champion["damaged"]:
        yield f"champion damaged: {', '.join(champion['damaged'])}; repair it with `alsolike models repair`"


def _store_lines(report: Mapping[str, Any]) -> Iterator[str]:
    lake, snapshot = report["lake"], report["snapshot"]
    if lake["days"]:
        yield (
            f"lake {counted(lake['days'], 'day')} from {lake['first_day']} to {lake['last_day']}, "
            f"{counted(lake['rows_of_last_day'], 'row')} on the last day, {lake['size_bytes'] / 1e6:,.1f} MB"
        )
    else:
        yield "lake empty"
    if lake["missing_days"]:
        days = ", ".join(lake["missing_days"][:_SHOWN_DAYS])
        yield f"lake has no events on {counted(len(lake['missing_days']), 'day')} of the last month: {days}"
    if snapshot is None:
        yield "catalogue snapshot none yet"
    else:
        age_min = (times.now_ms() - snapshot["published_ms"]) // 60_000
        yield f"catalogue snapshot {counted(snapshot['rows'], 'row')}, {counted(age_min, 'minute')} old"
    for table in report["missing_tables"]:
        yield f"table {table} is missing; see docs/recovery.md"
    for key_id in report["dead_keys"]:
        yield f"key {key_id} cannot be decrypted; replace it with `alsolike keys rotate`"


def _replication_lines(stores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for store in stores:
        if store["lag_s"] is None:
            yield f"replication of {store['store']}: no copies in the last half hour"
        else:
            yield f"replication of {store['store']}: at most {store['lag_s']:,.1f} s behind in the last half hour"


def _print_functions(report: Mapping[str, Any]) -> None:
    columns = ["name", "errors", "runtime", "memory_mb", "timeout_s"]
    rows = [
        [*(function[column] for column in columns), ", ".join(function["layers"])] for function in report["functions"]
    ]
    terminal.print_table(["function", "errors", "runtime", "memory MB", "timeout s", "layers"], rows)
    for line in report["layers"]:
        terminal.print_line(line)


def _sentence(run: Mapping[str, Any]) -> str:
    started = dt.datetime.fromisoformat(run["started"])
    parts = [f"training {started:%Y-%m-%d %H:%M:%S} UTC {run['status'].lower()}"]
    if run["decision"] == "busy":
        parts.append("did nothing")
    elif run["version"]:
        parts.append(f"model {run['version']} {run['decision']}")
    elif run["run_id"]:
        parts.append(f"run {run['run_id']}")
    parts.append(f"execution {run['name']}")
    return ", ".join(parts) + (f": {run['reason']}" if run["reason"] else "")

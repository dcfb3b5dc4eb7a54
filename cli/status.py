"""`alsolike status`: state of the deployment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    terminal.print_lines(_lines(report, pages=page_lines(deployment), api_url=deployment.names.api_url))
    failed = failing(report)
    terminal.print_lines(
        f"function {function['name']}: {counted(function['errors'], 'error')} in the last hour "
        f"({function['function_name']})"
        for function in failed
    )
    if show_all:
        _print_functions(report)
        return
    functions = f"{counted(len(report['functions']), 'function')}, {len(failed)} failing"
    terminal.print_line(f"{functions}; list them with `{terminal.call('status', '--all', *context.options)}`")


def _lines(report: Mapping[str, Any], *, pages: Iterable[str], api_url: str) -> Iterator[str]:
    yield from _champion_lines(report["champion"])
    for fault in report["unreadable"]:
        yield f"unreadable: {fault}; see docs/runbooks/degraded.md"
    for alarm in report["alarms"]:
        yield f"alarm {alarm['id']}, {alarm['severity']}: {alarm['description']}"
    for refused in report["refused"]:
        yield f"{counted(refused['requests'], 'request')} without permission: {refused['message']}"
    yield from filter(None, (report["trial"], report["held"], report["drift"]))
    yield from map(_sentence, report["training_runs"])
    if not report["training_runs"]:
        yield "training never ran"
    for row in report["incomplete_responses"]:
        yield (
            f"{row['recommender']} with filter {row['filter']}: {counted(row['empty'], 'empty response')} and "
            f"{row['short']:,} short ones in the last hour; see docs/runbooks/empty.md"
        )
    yield from _store_lines(report)
    yield from _replication_lines(report["replication"])
    version = report["configuration_version"]
    yield f"configuration version {version}" if version else "built-in configuration"
    yield f"{report['environment']}: {api_url}"
    if report["api_domain"]:
        yield f"https://{report['api_domain']} leads to the API in {report['region']} or {report['other_region']}"
    yield from pages
    yield f"trackingId {report['tracking_id']}"
    for dataset in ("items", "users"):
        yield f"datasetArn of {dataset} {report[f'{dataset}_dataset_arn']}"
    stream = report["stream"]
    yield f"stream {stream['name']}: {stream['status']}, {counted(stream['open_shards'], 'open shard')}"


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
    terminal.print_lines(report["layers"])


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

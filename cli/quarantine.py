"""`alsolike quarantine`: stream records that could not be read, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from alsolike.quarantine import QuarantinedRecord
    from cli.deployment import Deployment

_SHOWN_CHARACTERS = 80

app = typer.Typer(no_args_is_help=True, help="Stream records that could not be read.")


@app.callback()
def _quarantine() -> None: ...


@app.command("list")
def list_records(
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 20,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """List the latest records in quarantine with their reasons."""
    import datetime as dt

    from cli import console, deployment

    found = latest(deployment.resolve(stack=stack, state=state), limit=limit)
    if as_json:
        console.print_json([_document(record) for record in found])
        return
    rows = []
    for record in found:
        arrived = dt.datetime.fromtimestamp(record.record.arrived_ms / 1000, dt.UTC)
        data = record.record.data.decode(errors="replace")
        shown = data if len(data) <= _SHOWN_CHARACTERS else f"{data[:_SHOWN_CHARACTERS]}…"
        rows.append([f"{arrived:%Y-%m-%d %H:%M:%S}", record.reason, shown])
    if rows:
        console.print_table(["arrived (UTC)", "reason", "record"], rows)
    else:
        console.print_line("nothing is in quarantine")


def latest(deployment: Deployment, *, limit: int) -> list[QuarantinedRecord]:
    """Return the records that arrived last, the latest first.

    Raises
    ------
    Unavailable
        If the lake bucket does not answer.
    """
    import heapq

    from alsolike import lake
    from alsolike.quarantine import QuarantinedRecord
    from cli.aws import asking

    s3, bucket = deployment.client("s3"), deployment.names.lake_bucket
    with asking(f"s3://{bucket}/{lake.QUARANTINE_PREFIX}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=lake.QUARANTINE_PREFIX)
        # Keys hold the day only; objects of one day are told apart by when they were written.
        entries = heapq.nlargest(
            limit,
            (entry for page in pages for entry in page.get("Contents", [])),
            key=lambda entry: (entry["Key"].split("/")[1], entry["LastModified"], entry["Key"]),
        )
        bodies = [s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in entries]
    records = [QuarantinedRecord.from_json(body) for body in bodies]
    return sorted(records, key=lambda record: (record.record.arrived_ms, int(record.record.sequence)), reverse=True)


def _document(record: QuarantinedRecord) -> dict[str, Any]:
    return {
        "reason": record.reason,
        "arrived_ms": record.record.arrived_ms,
        "stream": record.record.stream,
        "shard_id": record.record.shard_id,
        "sequence": record.record.sequence,
        "data": record.record.data.decode(errors="replace"),
        "key": record.key,
    }

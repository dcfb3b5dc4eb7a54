"""Writing a batch of the stream to the lake.

Object names come from the batch's shard and sequence range, contents from its records alone: a redelivered
batch writes the same objects with the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import awswrangler as wr
import pandas as pd

from alsolike import lake
from alsolike.errors import InvalidInput
from alsolike.interactions import Interaction, parse_record
from alsolike.quarantine import QuarantinedRecord
from alsolike.stream import StreamRecord

COMPRESSION = "zstd"


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch; `reasons` are those of the quarantined records."""

    archived: int
    reasons: tuple[str, ...]


def archive(records: Sequence[StreamRecord], *, client: Any, bucket: str) -> Outcome:
    """Write readable records to their day's partition and the others to quarantine.

    Parameters
    ----------
    records
        One batch of one shard, in order.
    client
        A low-level S3 client, for the quarantine; awswrangler brings its own.
    """
    interactions, quarantined = _read(records)
    for date, rows in lake.by_date(interactions).items():
        key = lake.object_key(
            date,
            shard_id=records[0].shard_id,
            first_sequence=records[0].sequence,
            last_sequence=records[-1].sequence,
        )
        write_interactions(rows, path=f"s3://{bucket}/{key}")
    for record in quarantined:
        client.put_object(Bucket=bucket, Key=record.key, Body=record.to_json(), ContentType="application/json")
    return Outcome(len(interactions), tuple(record.reason for record in quarantined))


def write_interactions(rows: Sequence[dict[str, Any]], *, path: str) -> None:
    """Write rows of the interactions table as one Parquet object.

    The frame holds plain objects, so that the table's types alone decide how a column is written, also one
    that is null throughout.
    """
    wr.s3.to_parquet(
        pd.DataFrame(rows, columns=list(lake.COLUMNS), dtype=object),
        path,
        dtype=dict(lake.COLUMNS),
        compression=COMPRESSION,
        use_threads=False,
    )


def _read(records: Sequence[StreamRecord]) -> tuple[list[Interaction], list[QuarantinedRecord]]:
    interactions, quarantined = [], []
    for record in records:
        try:
            interactions.append(parse_record(record.data, arrived_ms=record.arrived_ms))
        except InvalidInput as error:
            quarantined.append(QuarantinedRecord(record, str(error)))
    return interactions, quarantined

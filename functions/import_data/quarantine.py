"""Quarantine of the first rejected rows of an import job's files, with reasons."""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from alsolike.events.interactions import profile_id
from alsolike.events.stream_records import StreamRecord, partition_key
from alsolike.lake.quarantine import IMPORT_SHARD, QuarantinedRecord
from alsolike.privacy.tombstones import IsErased, names_erased
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object
from operations.ingest.summary import FileSummary

MAX_ROWS = 1_000
"""Maximum number of quarantined rows per file. Each row is an object, so that an erasure can delete single rows."""

_CONNECTIONS = 16
_FILE_DIGITS = 8


def quarantine_rows(
    summary: FileSummary, *, job: str, client: S3Client, bucket: str, erased: IsErased, now_ms: int
) -> int:
    """Write the first `MAX_ROWS` rejected rows of a file to quarantine, and return the number of written rows.

    Rows of erased users are skipped. A repeated call on the same day overwrites the objects of the earlier call.
    """
    if summary.rejected_file is None:
        return 0
    rows = itertools.islice(_rows(summary, Path(summary.rejected_file), job=job, now_ms=now_ms), MAX_ROWS)
    kept = [row for row in rows if not names_erased(row.record, erased)]

    def write(row: QuarantinedRecord) -> None:
        S3Object(client, bucket, row.key).write(row.to_json())

    with ThreadPoolExecutor(_CONNECTIONS, "quarantine") as pool:
        list(pool.map(write, kept))
    return len(kept)


def _rows(summary: FileSummary, path: Path, *, job: str, now_ms: int) -> Iterator[QuarantinedRecord]:
    """Yield the rows of a file of rejected rows. Column names are lower case, as in stream records."""
    digest = hashlib.blake2b(summary.file.encode(), digest_size=_FILE_DIGITS // 2).hexdigest()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        _, _, *columns = next(reader)
        for line, reason, *cells in reader:
            fields = {name.lower(): cell for name, cell in itertools.zip_longest(columns, cells, fillvalue="")}
            owner = fields.get("user_id") or None
            record = StreamRecord(
                stream="import",
                shard_id=f"{IMPORT_SHARD}{job}-{digest}",
                sequence=line,
                arrived_ms=now_ms,
                data=orjson.dumps({"file": summary.file, "line": int(line), **fields}),
                partition_key=partition_key(profile_id(user_id=owner, session_id=None)) if owner else None,
            )
            yield QuarantinedRecord(record, reason)

"""Restore of lake objects and artefacts to an earlier time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from alsolike.catalogue.change_log import ChangeKind
from alsolike.declarations.storage import (
    ACTIONS_KEY,
    CONFIGURATION_PREFIX,
    CONFIGURATION_VERSIONS_PREFIX,
    IMPORTS_PREFIX,
    INTERACTIONS_PREFIX,
    MODELS_PREFIX,
    OWN_NAMES_KEY,
    REGISTRY_PREFIX,
)
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.ingest.undo import imports
from operations.object_versions import ObjectChange, apply, changes
from operations.recovery.source import EVERYTHING, Part
from operations.times import milliseconds

_THREADS = 16

LAKE_PREFIXES = {
    Part.INTERACTIONS: (INTERACTIONS_PREFIX,),
    Part.CATALOGUE: tuple(kind.prefix for kind in ChangeKind),
}
ARTEFACT_PREFIXES = {
    Part.INTERACTIONS: (IMPORTS_PREFIX,),
    Part.CATALOGUE: (ACTIONS_KEY,),
    Part.CONFIGURATION: (CONFIGURATION_PREFIX,),
    Part.MODELS: (REGISTRY_PREFIX, MODELS_PREFIX),
}
"""Prefixes to restore by part. Import journals are restored with the imported rows, otherwise a repeated import would
skip them. Objects under `privacy/` are not restored, so that erased users stay erased. `OWN_NAMES_KEY` is not
restored, because the table of created names is not restored either. The snapshot is rebuilt instead of restored."""


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    bucket: str
    prefix: str
    changes: tuple[ObjectChange, ...]

    @property
    def restored(self) -> int:
        return sum(change.action == "restore" for change in self.changes)

    @property
    def removed(self) -> int:
        """Number of objects to delete, because they did not exist at the restored time."""
        return len(self.changes) - self.restored

    @property
    def size_bytes(self) -> int:
        """Size of the objects to copy, in bytes."""
        return sum(change.size for change in self.changes)


def plan(
    deployment: Deployment, *, to: dt.datetime, keep_newer: bool, parts: Collection[Part] = EVERYTHING
) -> list[Planned]:
    prefixes = (
        (bucket, prefix)
        for bucket, prefixes_by_part in (
            (deployment.names.lake_bucket, LAKE_PREFIXES),
            (deployment.names.artefact_bucket, ARTEFACT_PREFIXES),
        )
        for part, prefixes in prefixes_by_part.items()
        if part in parts
        for prefix in prefixes
    )
    return [
        Planned(bucket, prefix, tuple(_listed(deployment.client("s3"), bucket, prefix, to=to, keep_newer=keep_newer)))
        for bucket, prefix in prefixes
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class Losses:
    """Newer data that a restore removes. `live_events` excludes imported events."""

    live_events: int
    models: tuple[str, ...]
    configurations: tuple[int, ...]


def losses(deployment: Deployment, planned: Sequence[Planned], *, to: dt.datetime) -> Losses:
    removed = {part.prefix: [change.key for change in part.changes if change.action != "restore"] for part in planned}
    models = {key.removeprefix(MODELS_PREFIX).partition("/")[0] for key in removed.get(MODELS_PREFIX, ())}
    configurations = [
        int(PurePosixPath(key).stem)
        for key in removed.get(CONFIGURATION_PREFIX, ())
        if key.startswith(CONFIGURATION_VERSIONS_PREFIX)
    ]
    imported_ms = [each.import_id for each in imports(deployment)]
    events = sum(
        _live_events(
            deployment.client("s3"), part.bucket, change.key, after_ms=milliseconds(to), imported_ms=imported_ms
        )
        for part in planned
        if part.prefix == INTERACTIONS_PREFIX
        for change in part.changes
    )
    return Losses(events, tuple(sorted(models)), tuple(sorted(configurations)))


def _live_events(s3: S3Client, bucket: str, key: str, *, after_ms: int, imported_ms: Sequence[int]) -> int:
    """Return the number of rows in an object that arrived after `after_ms`. Rows of imports are not counted."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    stored = S3Object(s3, bucket, key).read()
    if stored is None:
        return 0
    try:
        received = pq.read_table(io.BytesIO(stored.body), columns=["received_time_ms"])["received_time_ms"]
    except pa.ArrowInvalid:
        return 0
    is_imported = pc.is_in(received, value_set=pa.array(imported_ms, pa.int64()))
    is_lost = pc.and_(pc.greater(received, after_ms), pc.invert(is_imported))
    return int(pc.sum(is_lost).as_py() or 0)


def carry_out(deployment: Deployment, planned: Sequence[Planned]) -> None:
    """Apply the planned changes. After an interruption, a new plan for the same time completes the restore."""
    s3 = deployment.client("s3")
    for part in planned:
        if not part.changes:
            continue
        location = f"s3://{part.bucket}/{part.prefix}"
        with (
            progress.step(part.prefix, total=len(part.changes)) as step,
            ThreadPoolExecutor(_THREADS, "restore") as pool,
            translate_aws_errors(location),
        ):
            for _ in pool.map(lambda change, bucket=part.bucket: apply(s3, bucket, change), part.changes):
                step.advance()


def _listed(s3: S3Client, bucket: str, prefix: str, *, to: dt.datetime, keep_newer: bool) -> Iterator[ObjectChange]:
    with translate_aws_errors(f"s3://{bucket}/{prefix}"):
        listed = changes(s3, bucket, prefix, to=to, keep_newer=keep_newer)
        yield from (change for change in listed if change.key != OWN_NAMES_KEY)

"""Bringing the objects of the lake and the artefacts back to a time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alsolike.catalogue.change_log import ChangeKind
from alsolike.declarations.storage import (
    ACTIONS_KEY,
    CONFIGURATION_PREFIX,
    IMPORTS_PREFIX,
    INTERACTIONS_PREFIX,
    MODELS_PREFIX,
    OWN_NAMES_KEY,
    REGISTRY_PREFIX,
)
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.recovery.versions import ObjectChange, apply, changes

_THREADS = 16

LAKE_PREFIXES = (INTERACTIONS_PREFIX, *(kind.prefix for kind in ChangeKind))
ARTEFACT_PREFIXES = (CONFIGURATION_PREFIX, REGISTRY_PREFIX, MODELS_PREFIX, IMPORTS_PREFIX, ACTIONS_KEY)
"""Prefixes to restore. The journal of imports goes back with the imported rows, otherwise a repeated import would skip
them. Nothing under `privacy/` goes back in time, so that erased users stay erased, and `OWN_NAMES_KEY` does not either,
because its table does not. The snapshot is made again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    """Pending changes of the objects of one prefix."""

    bucket: str
    prefix: str
    changes: tuple[ObjectChange, ...]

    @property
    def restored(self) -> int:
        """Objects that get an older version."""
        return sum(change.action == "restore" for change in self.changes)

    @property
    def removed(self) -> int:
        """Objects that are newer than the time."""
        return len(self.changes) - self.restored

    @property
    def size_bytes(self) -> int:
        """Bytes to copy."""
        return sum(change.size for change in self.changes)


def plan(where: Deployment, *, to: dt.datetime, keep_newer: bool) -> list[Planned]:
    """Return what brings the objects back; nothing is written."""
    return [
        Planned(bucket, prefix, tuple(_listed(where.client("s3"), bucket, prefix, to=to, keep_newer=keep_newer)))
        for bucket, prefix in (
            *((where.names.lake_bucket, prefix) for prefix in LAKE_PREFIXES),
            *((where.names.artefact_bucket, prefix) for prefix in ARTEFACT_PREFIXES),
        )
    ]


def carry_out(where: Deployment, planned: Sequence[Planned]) -> None:
    """Do what was planned. Cut short, it is completed by a new plan for the same time."""
    s3 = where.client("s3")
    for part in planned:
        if not part.changes:
            continue
        what = f"s3://{part.bucket}/{part.prefix}"
        with (
            progress.step(part.prefix, total=len(part.changes)) as step,
            ThreadPoolExecutor(_THREADS, "restore") as pool,
            translate_aws_errors(what),
        ):
            for _ in pool.map(lambda change, bucket=part.bucket: apply(s3, bucket, change), part.changes):
                step.advance()


def _listed(s3: Any, bucket: str, prefix: str, *, to: dt.datetime, keep_newer: bool) -> Iterator[ObjectChange]:
    with translate_aws_errors(f"s3://{bucket}/{prefix}"):
        listed = changes(s3, bucket, prefix, to=to, keep_newer=keep_newer)
        yield from (change for change in listed if change.key != OWN_NAMES_KEY)

"""Context of a running erasure: clients, progress and operations that all steps use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alsolike.declarations.tables import OUTCOMES_TABLE, SERVED_TABLE
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.user_matcher import Owner
from alsolike.runtime.client_protocols import DynamoDbClient, S3Client
from alsolike.runtime.errors import ConcurrentUpdate
from alsolike.runtime.s3 import S3Object
from functions.purge_user.deployment import Deployment
from functions.purge_user.progress import Progress, ProgressStore, delete_old_versions

QUARANTINE, FAILED_BATCHES, DATASETS = "quarantine", "failed batches", "datasets"


class Removal:
    """Owners of the records removed from an object, and its remaining content, which is None if no record remains."""

    def __init__(self, owners: Iterable[Owner], rest: bytes | None) -> None:
        self.owners = [owner for owner in owners if owner is not Owner.OTHER]
        self.rest = rest


@dataclasses.dataclass(frozen=True, slots=True)
class PurgeContext:
    """Running erasure.

    A step counts the records that it will remove (`record`), removes them, and moves on (`advance`). If a call is
    interrupted, the next call finds the remaining records and counts none twice.
    """

    s3: S3Client
    dynamodb: DynamoDbClient
    places: Deployment
    progress: Progress
    store: ProgressStore
    clock_ms: Callable[[], int]
    pseudonyms: Pseudonyms

    @property
    def user_id(self) -> str:
        return self.progress.user_id

    def record(self, store: str, units: Mapping[str, int], *, is_decided: bool = True) -> None:
        """Count and save the units with the user's data, with the number of records per unit.

        `is_decided` is false for records whose owner is unknown. Records without a known owner cause no further pass,
        because any producer can send more.
        """
        self.progress.count(store, dict(units), now_ms=self.clock_ms(), is_decided=is_decided)
        self.store.save(self.progress)

    def advance(self, cursor: dict[str, Any]) -> None:
        """Set the position to resume at. All data before this position is processed.

        Old versions of changed objects are deleted, except of interactions and the change log. A restore needs these
        versions for other users' rows.
        """
        buckets = {
            **dict.fromkeys((SERVED_TABLE, OUTCOMES_TABLE, QUARANTINE, FAILED_BATCHES), self.places.lake_bucket),
            DATASETS: self.places.artefact_bucket,
        }
        for intent in self.progress.intents:
            store, _, key = intent.partition(":")
            if store in buckets:
                delete_old_versions(self.s3, buckets[store], key)
        self.progress.cursor = cursor
        self.progress.intents.clear()

    def replace(self, bucket: str, key: str, body: bytes | None, *, etag: str) -> bool:
        """Overwrite the version that was read; None deletes it. Return false if the object has changed."""
        stored = S3Object(self.s3, bucket, key)
        if body is None:
            return stored.delete(etag=etag)
        try:
            stored.replace(body, etag=etag, content_type=None)
        except ConcurrentUpdate:
            return False
        return True

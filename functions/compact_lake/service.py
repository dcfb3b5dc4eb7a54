"""Maintenance of one table in a call: retention, completion of earlier merges, and new merges.

Readers remove duplicates, so a merged object may exist next to its inputs for any time. Every row of a merge stays
readable even if a call is interrupted between two steps:

1. a receipt names the inputs and the output of a merge;
2. the merged object is written;
3. unless an input changed or a user was erased meanwhile, the receipt is marked complete;
4. a later call, once no reader from before step 2 can still be active, deletes the inputs and then the receipt.

A receipt that is not marked complete within `MergeRules.grace_ms` belongs to an interrupted merge. Its
output is deleted, and its inputs are kept.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from alsolike.lake.lake_objects import LakeObject, list_objects, read
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from functions.compact_lake import expired_days, tables
from functions.compact_lake.receipts import WRITTEN, MergeReceipt, MergeReceiptStore, merge_id
from functions.compact_lake.selection import MergeRules, batches, candidates, output_key
from functions.compact_lake.tables import INTERACTIONS, Table

CONNECTIONS = 8
"""Maximum number of concurrent requests, which mostly wait for S3."""


class ErasedUsers:
    """Reader of tombstones. Each call reads the tombstones again, because a new tombstone undoes the current merge."""

    def __init__(self, client: S3Client, bucket: str, pseudonyms: Callable[[], Pseudonyms]) -> None:
        self._client, self._bucket, self._pseudonyms = client, bucket, pseudonyms

    def now(self) -> Mapping[str, int]:
        """Return the time of each erasure in epoch milliseconds, by keyed hash."""
        return TombstoneReader(self._client, self._bucket, self._pseudonyms).refresh(now_ms=0).users

    def hash(self, user_id: str) -> str:
        return self._pseudonyms().erased_user(user_id)


@dataclasses.dataclass(slots=True)
class UpkeepResult:
    """Result of a call.

    Attributes
    ----------
    merged, written, removed
        Number of inputs and of outputs of completed merges, and of deleted inputs of earlier merges.
    undone
        Number of merges that were undone after an interruption, a changed input or an erasure.
    unreadable
        Number of objects that were not merged because this version cannot read them.
    complete
        False if the time ended, so that steps may remain for the next call.
    """

    expired_days: int = 0
    merged: int = 0
    written: int = 0
    removed: int = 0
    undone: int = 0
    unreadable: int = 0
    complete: bool = True


class Upkeep:
    """Upkeep of one table: it deletes expired days, finishes or undoes earlier merges, and starts new ones.

    The counts are added to `outcome`, if given.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        *,
        rules: MergeRules,
        erased: ErasedUsers,
        has_time: Callable[[], bool],
        table: Table = INTERACTIONS,
        outcome: UpkeepResult | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._client, self._bucket, self._table = client, bucket, table
        self._rules, self._erased = rules, erased
        self._has_time, self._now_ms = has_time, now_ms
        self._receipts = MergeReceiptStore(client, bucket, partition=table.partition)
        self._pool = ThreadPoolExecutor(CONNECTIONS, "lake")
        self._outcome = outcome or UpkeepResult()

    def run(self, *, retention_days: int | None) -> UpkeepResult:
        """Run steps until none remains, or the time ends. `retention_days` is None to keep all days."""
        try:
            if retention_days is not None:
                oldest = expired_days.oldest_kept(retention_days, now_ms=self._now_ms())
                self._outcome.expired_days = expired_days.remove_before(self._client, self._bucket, oldest)
            pending = [receipt for receipt in list(self._receipts.all()) if not self._settle(receipt)]
            pending_keys = {key for receipt in pending for key in (*receipt.inputs, *receipt.outputs)}
            listed = list_objects(self._client, self._bucket, prefix=self._table.prefix)
            for date, objects in itertools.groupby(listed, key=lambda stored: stored.date):
                self._compact_day(
                    date, candidates(objects, rules=self._rules, pending_keys=pending_keys, now_ms=self._now_ms())
                )
                if not self._may_go_on():
                    break
        finally:
            self._pool.shutdown(cancel_futures=True)
        return self._outcome

    def _may_go_on(self) -> bool:
        self._outcome.complete = self._outcome.complete and self._has_time()
        return self._outcome.complete

    def _settle(self, receipt: MergeReceipt) -> bool:
        """Finish or undo an earlier merge. Return False if the merge must wait for a later call."""
        if receipt.changed_ms > self._now_ms() - self._rules.grace_ms or not self._may_go_on():
            return False
        if receipt.state != WRITTEN:
            self._undo(receipt)
        elif all(self._object(key).etag() for key in receipt.outputs):
            inputs = receipt.inputs
            self._outcome.removed += sum(self._pool.map(self._delete_unchanged, inputs.keys(), inputs.values()))
            self._receipts.remove(receipt)
        else:  # The output was deleted, so only the inputs contain these rows.
            self._receipts.remove(receipt)
        return True

    def _compact_day(self, date: str, objects: list[LakeObject]) -> None:
        """Merge batches of candidates. A batch that exceeds the memory limit is merged in several parts.

        A single object that reaches the limit is rewritten too, because its new name excludes it from later merges.
        """
        for batch in batches(objects, rules=self._rules):
            remaining = iter(batch)
            while self._may_go_on():
                inputs, contents, full = self._read(remaining)
                if len(inputs) > 1 or full:
                    self._merge(date, inputs, contents, full=full)
                if not full:
                    break

    def _read(self, remaining: Iterator[LakeObject]) -> tuple[list[LakeObject], list[pa.Table], bool]:
        """Read objects until the memory limit of one merge is reached, or no object remains.

        Return the objects, their rows, and true if the limit is reached.
        """
        inputs: list[LakeObject] = []
        rows: list[pa.Table] = []
        size = 0
        for chunk in _chunks(remaining, CONNECTIONS):
            contents = self._pool.map(lambda stored: read(self._client, self._bucket, stored, unchanged=True), chunk)
            for stored, content in zip(chunk, contents, strict=True):
                if content is None:  # The object was deleted or replaced after the listing.
                    continue
                try:
                    read_rows = tables.read_rows(content, self._table)
                except InvalidInput as error:
                    self._outcome.unreadable += 1
                    logger.warning("lake object skipped", key=stored.key, reason=str(error))
                    continue
                inputs.append(stored)
                rows.append(read_rows)
                size += read_rows.nbytes
            if size >= self._rules.merge_memory_bytes:
                return inputs, rows, True
        return inputs, rows, False

    def _merge(self, date: str, inputs: list[LakeObject], contents: list[pa.Table], *, full: bool) -> None:
        erased = self._erased.now()
        rows = tables.merge(contents, self._table, erased=erased, hash_of=self._erased.hash)
        day = self._table.partition_prefix(date)
        name = merge_id(inputs, erased)
        receipt = MergeReceipt(
            date=date,
            merge_id=name,
            inputs={stored.key: stored.etag for stored in inputs},
            outputs=(output_key(day, name, full=full),) if len(rows) else (),
            partition=self._table.partition,
        )
        if not self._receipts.begin(receipt):
            return
        for key in receipt.outputs:
            self._object(key).write(tables.to_parquet(rows, self._table), content_type=None)
        if self._erased.now() != erased or not self._are_unchanged(inputs):
            self._undo(receipt)
            return
        self._receipts.complete(receipt)
        self._outcome.merged += len(inputs)
        self._outcome.written += len(receipt.outputs)

    def _undo(self, receipt: MergeReceipt) -> None:
        for key in receipt.outputs:
            self._object(key).delete()
        self._receipts.remove(receipt)
        self._outcome.undone += 1

    def _are_unchanged(self, inputs: list[LakeObject]) -> bool:
        prefix = self._table.partition_prefix(inputs[0].date)
        etags = {stored.key: stored.etag for stored in list_objects(self._client, self._bucket, prefix=prefix)}
        return all(etags.get(stored.key) == stored.etag for stored in inputs)

    def _delete_unchanged(self, key: str, etag: str) -> bool:
        """Delete an input. Return False if it was rewritten or is already deleted."""
        stored = self._object(key)
        return stored.etag() == etag and stored.delete(etag=etag)

    def _object(self, key: str) -> S3Object:
        return S3Object(self._client, self._bucket, key)


def _chunks(objects: Iterator[LakeObject], size: int) -> Iterator[list[LakeObject]]:
    while chunk := list(itertools.islice(objects, size)):
        yield chunk

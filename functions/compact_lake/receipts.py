"""Receipts of merges.

A receipt is written twice: before the merged object (`WRITING`), and after the object is complete (`WRITTEN`). So after
an interruption, the receipt lets a later call undo or finish the merge.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson

from alsolike.declarations.storage import COMPACTIONS_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.lake.lake_objects import LakeObject
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object, scan

WRITING = "writing"
WRITTEN = "written"


@dataclasses.dataclass(frozen=True, slots=True)
class MergeReceipt:
    """Receipt of a merge.

    `inputs` contains the ETag of each merged object by key. `outputs` is empty if no rows remained. `changed_ms` is the
    time of the receipt's last write in S3. `partition` is the partition column, which identifies the table.
    """

    date: str
    merge_id: str
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    state: str = WRITING
    changed_ms: int = 0
    partition: str = INTERACTIONS_PARTITION

    @property
    def key(self) -> str:
        return f"{day_prefix(self.date, self.partition)}{self.merge_id}.json"

    def to_json(self) -> bytes:
        return orjson.dumps({"state": self.state, "inputs": dict(self.inputs), "outputs": self.outputs})


def merge_id(inputs: Sequence[LakeObject], erased: Iterable[str]) -> str:
    """Return the name of a merge. It depends only on the inputs and the erased users."""
    content = [sorted((stored.key, stored.etag) for stored in inputs), sorted(erased)]
    return hashlib.blake2b(orjson.dumps(content), digest_size=12).hexdigest()


def day_prefix(date: str, partition: str = INTERACTIONS_PARTITION) -> str:
    return f"{COMPACTIONS_PREFIX}{partition}={date}/"


class MergeReceiptStore:
    def __init__(self, client: S3Client, bucket: str, *, partition: str = INTERACTIONS_PARTITION) -> None:
        self._client = client
        self._bucket = bucket
        self._partition = partition

    def all(self) -> Iterator[MergeReceipt]:
        """Yield all receipts. Receipts that another call deletes concurrently are skipped."""
        prefix = f"{COMPACTIONS_PREFIX}{self._partition}="
        for stored in scan(self._client, self._bucket, prefix):
            if stored.body is None:
                continue
            date, _, name = stored.key.removeprefix(prefix).partition("/")
            fields = orjson.loads(stored.body)
            yield MergeReceipt(
                date=date,
                merge_id=name.removesuffix(".json"),
                inputs=fields["inputs"],
                outputs=tuple(fields["outputs"]),
                state=fields["state"],
                changed_ms=stored.modified_ms,
                partition=self._partition,
            )

    def begin(self, receipt: MergeReceipt) -> bool:
        """Write the receipt at the start of a merge. Return False if another call has started the same merge."""
        return self._object(receipt).create(receipt.to_json())

    def complete(self, receipt: MergeReceipt) -> None:
        self._object(receipt).write(dataclasses.replace(receipt, state=WRITTEN).to_json())

    def remove(self, receipt: MergeReceipt) -> None:
        self._object(receipt).delete()

    def _object(self, receipt: MergeReceipt) -> S3Object:
        return S3Object(self._client, self._bucket, receipt.key)

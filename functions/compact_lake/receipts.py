"""The progress of merges: one receipt object per merge, next to the tables.

A receipt is written twice: before the merged object (`WRITING`), and after it is complete (`WRITTEN`). An interrupted
merge leaves either nothing, or a receipt that lets the next call undo or finish it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from alsolike.declarations.storage import COMPACTIONS_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.lake.lake_objects import LakeObject
from alsolike.runtime.s3 import S3Object, scan

WRITING = "writing"
WRITTEN = "written"


@dataclasses.dataclass(frozen=True, slots=True)
class MergeReceipt:
    """A merge.

    Attributes
    ----------
    inputs
        ETag by key.
    outputs
        Keys; empty if no rows were left.
    changed_ms
        Time of the receipt's last write in S3.
    partition
        The partition column, which identifies the table.
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
        """The key of the object."""
        return f"{day_prefix(self.date, self.partition)}{self.merge_id}.json"

    def to_json(self) -> bytes:
        """Return the object's content."""
        return orjson.dumps({"state": self.state, "inputs": dict(self.inputs), "outputs": self.outputs})


def merge_id(inputs: Sequence[LakeObject], erased: Iterable[str]) -> str:
    """Return the name of a merge: the same for the same inputs with the same users left out."""
    content = [sorted((stored.key, stored.etag) for stored in inputs), sorted(erased)]
    return hashlib.blake2b(orjson.dumps(content), digest_size=12).hexdigest()


def day_prefix(date: str, partition: str = INTERACTIONS_PARTITION) -> str:
    """Return the key prefix of a day's receipts."""
    return f"{COMPACTIONS_PREFIX}{partition}={date}/"


class MergeReceiptStore:
    """The receipts of a table in the lake bucket."""

    def __init__(self, client: Any, bucket: str, *, partition: str = INTERACTIONS_PARTITION) -> None:
        self._client = client
        self._bucket = bucket
        self._partition = partition

    def all(self) -> Iterator[MergeReceipt]:
        """Yield every receipt; those that another call removes meanwhile are passed over."""
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
        """Write the receipt of a merge that begins; False if another call has begun the same one."""
        return self._object(receipt).create(receipt.to_json())

    def complete(self, receipt: MergeReceipt) -> None:
        """Mark the outputs as complete."""
        self._object(receipt).write(dataclasses.replace(receipt, state=WRITTEN).to_json())

    def remove(self, receipt: MergeReceipt) -> None:
        """Delete the receipt of a finished merge."""
        self._object(receipt).delete()

    def _object(self, receipt: MergeReceipt) -> S3Object:
        return S3Object(self._client, self._bucket, receipt.key)

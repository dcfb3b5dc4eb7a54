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
from botocore.exceptions import ClientError

from alsolike.declarations.storage import COMPACTIONS_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.lake.lake_objects import LakeObject, is_gone

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
    content = [sorted((each.key, each.etag) for each in inputs), sorted(erased)]
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
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                try:
                    content = self._client.get_object(Bucket=self._bucket, Key=entry["Key"])["Body"].read()
                except ClientError as error:
                    if is_gone(error):
                        continue
                    raise
                date, _, name = entry["Key"].removeprefix(prefix).partition("/")
                fields = orjson.loads(content)
                yield MergeReceipt(
                    date=date,
                    merge_id=name.removesuffix(".json"),
                    inputs=fields["inputs"],
                    outputs=tuple(fields["outputs"]),
                    state=fields["state"],
                    changed_ms=int(entry["LastModified"].timestamp() * 1000),
                    partition=self._partition,
                )

    def begin(self, receipt: MergeReceipt) -> bool:
        """Write the receipt of a merge that begins; False if another call has begun the same one."""
        try:
            self._put(receipt, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    def complete(self, receipt: MergeReceipt) -> None:
        """Mark the outputs as complete."""
        self._put(dataclasses.replace(receipt, state=WRITTEN))

    def remove(self, receipt: MergeReceipt) -> None:
        """Delete the receipt of a finished merge."""
        self._client.delete_object(Bucket=self._bucket, Key=receipt.key)

    def _put(self, receipt: MergeReceipt, **condition: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=receipt.key,
            Body=receipt.to_json(),
            ContentType="application/json",
            **condition,
        )

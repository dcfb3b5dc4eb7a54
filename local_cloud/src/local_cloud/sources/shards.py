"""Interface of pollers to the shards of Kinesis and DynamoDB streams."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_cloud.sources.stream_retries import StreamRecord


class Shard(Protocol):
    """Shard with the position of a mapping."""

    shard_id: str
    processed: Callable[[str], None]
    """Function that receives a record's number when this record and all earlier records are processed."""

    def read(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records from the position, and advance the position."""

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return the input of filters, or None if filters cannot read the record."""

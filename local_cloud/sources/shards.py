"""Shards of Kinesis and DynamoDB streams, as pollers see them."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_cloud.sources.stream_retries import StreamRecord


class Shard(Protocol):
    """A shard with a position in it."""

    shard_id: str
    processed: Callable[[str], None]
    """Takes the number of the record up to which everything is processed."""

    def read(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records from the position on, and move it."""

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return what filters look at; None if it is not what filters can look at."""

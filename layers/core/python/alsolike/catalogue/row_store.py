"""DynamoDB tables of items and users, with one row per item or user and its properties as JSON in one attribute."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic

import orjson

from alsolike.catalogue.rows import R, RowKind
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.errors import ConcurrentUpdate, NotFound, Unavailable
from alsolike.runtime.struct import struct
from alsolike.schema.queries import row_of_token, token_of_row

_BATCH = 25  # DynamoDB's limit for one BatchWriteItem call.
_BATCH_ATTEMPTS = 8
_UPDATE_ATTEMPTS = 8
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_NOT_DELETED = "attribute_not_exists(deleted)"


@struct
class Stored(Generic[R]):
    row: R
    updated_at_ms: int


class RowStore(Generic[R]):
    """DynamoDB table of items or users.

    A deleted row is replaced by a marker, so that the table's stream contains the time of the deletion. Readers of the
    stream order changes by time. Therefore a write gets a later time than the stored row, even if its writer's clock is
    slow, except in `put_batches`. A partial update is retried if the row has changed since it was read.
    """

    kind: RowKind[R]

    def __init__(self, client: DynamoDbClient, table: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def put(self, rows: Iterable[R], *, now_ms: int) -> int:
        """Store rows, replacing rows with the same ID, and return the number of written rows.

        The last row of an ID wins. If the write of a row fails, all rows before this row are written.
        """
        latest = {self.kind.id_of(row): row for row in rows}
        for row_id, row in latest.items():
            self._put_later(row_id, row, now_ms=now_ms)
        return len(latest)

    def put_batches(self, rows: Iterable[R], *, now_ms: int) -> int:
        """Write many rows without reading the replaced rows. Return the number of written rows.

        This can overwrite a row that another writer stored with a later time. Readers of the stream then keep the row
        with the later time.
        """
        written = 0
        iterator = iter(rows)
        while batch := {self.kind.id_of(row): row for row in itertools.islice(iterator, _BATCH)}:
            self._put_batch([self._attributes(row, now_ms=now_ms) for row in batch.values()])
            written += len(batch)
        return written

    def insert(self, row: R, *, now_ms: int) -> bool:
        """Write a row, unless the table has a row or a deletion marker with this ID. Return true if it was written."""
        attributes = self._attributes(row, now_ms=now_ms)
        return self._put_if(attributes, f"attribute_not_exists({self.kind.key})") in (None, attributes)

    def get(self, row_id: str) -> Stored[R]:
        return self._stored(self._get(row_id))

    def update(
        self, row_id: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]], *, now_ms: int
    ) -> Stored[R]:
        """Replace a row's properties by the result of `change`, and return the new row."""

        def write(stored: Stored[R]) -> dict[str, Any]:
            row = self.kind.make(row_id, change(stored.row.properties))
            return self._attributes(row, now_ms=max(now_ms, stored.updated_at_ms + 1))

        return self._stored(self._replace(row_id, write))

    def delete(self, row_id: str, *, now_ms: int) -> None:
        """Replace a row by a deletion marker."""

        def write(stored: Stored[R]) -> dict[str, Any]:
            return {
                self.kind.key: {"S": row_id},
                "deleted": {"BOOL": True},
                "updated_at_ms": {"N": str(max(now_ms, stored.updated_at_ms + 1))},
            }

        self._replace(row_id, write)

    def page(self, *, limit: int, token: str | None = None) -> tuple[list[Stored[R]], str | None]:
        """Return a page of rows in arbitrary order, and the token of the next page, or None.

        At most `limit` rows are read, including deleted rows, which are not returned.
        """
        start = {} if token is None else {"ExclusiveStartKey": {self.kind.key: {"S": row_of_token(token)}}}
        with self._translated_errors():
            answer = self._client.scan(
                TableName=self._table, Limit=limit, FilterExpression=_NOT_DELETED, ConsistentRead=True, **start
            )
        last = answer.get("LastEvaluatedKey")
        rows = [self._stored(attributes) for attributes in answer["Items"]]
        return rows, None if last is None else token_of_row(last[self.kind.key]["S"])

    def scan(self, *, segment: int = 0, segments: int = 1) -> Iterator[R]:
        """Yield the rows of one segment that are not deleted, in arbitrary order."""
        part = {"Segment": segment, "TotalSegments": segments}
        with self._translated_errors():
            for page in self._client.get_paginator("scan").paginate(
                TableName=self._table, FilterExpression=_NOT_DELETED, **part
            ):
                for attributes in page["Items"]:
                    yield self._stored(attributes).row

    def count(self) -> int:
        """Return the number of rows that are not deleted. DynamoDB reads the whole table, but transfers no row."""
        with self._translated_errors():
            pages = self._client.get_paginator("scan").paginate(
                TableName=self._table, FilterExpression=_NOT_DELETED, Select="COUNT"
            )
            return sum(int(page["Count"]) for page in pages)

    def _put_later(self, row_id: str, row: R, *, now_ms: int) -> None:
        at_ms = now_ms
        for _ in range(_UPDATE_ATTEMPTS):
            attributes = self._attributes(row, now_ms=at_ms)
            is_later = "attribute_not_exists(updated_at_ms) OR updated_at_ms < :at"
            stored = self._put_if(attributes, is_later, ExpressionAttributeValues={":at": {"N": str(at_ms)}})
            if stored in (None, attributes):
                return
            at_ms = int(stored["updated_at_ms"]["N"]) + 1
        raise self._overtaken(row_id)

    def _replace(self, row_id: str, write: Callable[[Stored[R]], dict[str, Any]]) -> dict[str, Any]:
        """Write a row that depends on the stored row, and retry if the stored row changes concurrently."""
        for _ in range(_UPDATE_ATTEMPTS):
            read = self._get(row_id)
            attributes = write(self._stored(read))
            stored = self._put_if(
                attributes,
                # Compare both time and properties, because two writes can have the same time.
                "updated_at_ms = :at AND properties = :properties",
                ExpressionAttributeValues={":at": read["updated_at_ms"], ":properties": read["properties"]},
            )
            # A deletion has succeeded if the stored row equals its result (see `_put_if`). In this case, an update is
            # repeated, because another update may have written an equal row.
            if stored is None or ("deleted" in attributes and stored == attributes):
                return attributes
        raise self._overtaken(row_id)

    def _put_if(self, attributes: dict[str, Any], condition: str, **values: Any) -> dict[str, Any] | None:
        """Write a row and return None if a condition holds. Otherwise, return the stored row, or {} if there is none.

        If a response is lost, botocore repeats the write, and DynamoDB evaluates the condition against the row of the
        first write. Therefore the stored row can equal `attributes`.
        """
        with self._translated_errors():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=attributes,
                    ConditionExpression=condition,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **values,
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                stored: dict[str, Any] = error.response.get("Item", {})
                return stored
        return None

    def _get(self, row_id: str) -> dict[str, Any]:
        with self._translated_errors():
            answer = self._client.get_item(
                TableName=self._table, Key={self.kind.key: {"S": row_id}}, ConsistentRead=True
            )
        attributes: dict[str, Any] | None = answer.get("Item")
        if attributes is None or "deleted" in attributes:
            raise NotFound(f"there is no {self.kind.name} {row_id!r}")
        return attributes

    def _put_batch(self, rows: list[dict[str, Any]]) -> None:
        requests = {self._table: [{"PutRequest": {"Item": attributes}} for attributes in rows]}
        for attempt in range(_BATCH_ATTEMPTS):
            if attempt:  # Unprocessed rows were throttled.
                self._sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
            with self._translated_errors():
                requests = self._client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
            if not requests:
                return
        left = len(requests[self._table])
        raise Unavailable(f"{self.kind.name} table {self._table} left {left} of {len(rows)} rows unwritten")

    def _attributes(self, row: R, *, now_ms: int) -> dict[str, Any]:
        return {
            self.kind.key: {"S": self.kind.id_of(row)},
            "properties": {"S": orjson.dumps(dict(row.properties)).decode()},
            "updated_at_ms": {"N": str(now_ms)},
        }

    def _stored(self, attributes: Mapping[str, Any]) -> Stored[R]:
        row = self.kind.make(attributes[self.kind.key]["S"], orjson.loads(attributes["properties"]["S"]))
        return Stored(row, int(attributes["updated_at_ms"]["N"]))

    def _overtaken(self, row_id: str) -> ConcurrentUpdate:
        return ConcurrentUpdate(f"{self.kind.name} {row_id!r} changed {_UPDATE_ATTEMPTS} times while it was updated")

    def _translated_errors(self) -> contextlib.AbstractContextManager[None]:
        return translate_aws_errors(f"{self.kind.name} table {self._table}")

"""The catalogue: items with their metadata columns, one DynamoDB item each."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike import wire
from alsolike.columns import column_name as column_name
from alsolike.errors import InvalidInput, Unavailable
from alsolike.interactions import MAX_ID_CHARACTERS

MAX_ITEMS_PER_CALL = 10
MAX_PROPERTIES_CHARACTERS = 32_000
MAX_COLUMNS = 100
_BATCH = 25  # DynamoDB's limit of one BatchWriteItem
_BATCH_ATTEMPTS = 8
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """An item of the catalogue.

    Attributes
    ----------
    properties
        Metadata columns by name in camelCase (`title`, `price`, `categoryL1`, `creationTimestamp`).
    """

    item_id: str
    properties: Mapping[str, Any]


def parse_put_items(body: bytes) -> list[Item]:
    """Read the body of `POST /items` (Personalize's PutItems), whole or not at all.

    Raises
    ------
    InvalidInput
        At the first field that breaks the contract.
    """
    call = wire.parse_object(body)
    wire.only_known(call, ("datasetArn", "items"))
    wire.required_string(call, "datasetArn", maximum=MAX_ID_CHARACTERS)
    items = []
    for index, element in enumerate(wire.required_list(call, "items", minimum=1, maximum=MAX_ITEMS_PER_CALL)):
        fields = wire.as_object(element, where=f"items[{index}]")
        where = f"items[{index}]."
        wire.only_known(fields, ("itemId", "properties"), where=where)
        item_id = wire.required_string(fields, "itemId", maximum=MAX_ID_CHARACTERS, where=where)
        properties = wire.json_string(fields, "properties", maximum=MAX_PROPERTIES_CHARACTERS, where=where)
        if len(properties) > MAX_COLUMNS:
            raise InvalidInput(f"{where}properties has {len(properties)} columns, expected at most {MAX_COLUMNS}")
        if "" in properties:
            raise InvalidInput(f"{where}properties has a column without a name")
        created = wire.optional_number(properties, "creationTimestamp", where=f"{where}properties.")
        if created is not None and created < 0:
            raise InvalidInput(f"{where}properties.creationTimestamp is {created:g}, expected seconds since 1970")
        items.append(Item(item_id, properties))
    return items


class CatalogueStore:
    """The catalogue table.

    Parameters
    ----------
    client
        A low-level DynamoDB client.
    table
        The table's name.
    sleep
        Pauses between attempts, in seconds.
    """

    def __init__(self, client: Any, table: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def put(self, items: Iterable[Item], *, now_ms: int) -> int:
        """Write items over what is stored; the last one of an id wins. Return how many were written.

        Raises
        ------
        Unavailable
            If DynamoDB does not take them in after `_BATCH_ATTEMPTS` attempts.
        """
        written = 0
        iterator = iter(items)
        while batch := {item.item_id: item for item in itertools.islice(iterator, _BATCH)}:
            self._put_batch(list(batch.values()), now_ms=now_ms)
            written += len(batch)
        return written

    def _put_batch(self, batch: list[Item], *, now_ms: int) -> None:
        requests = {
            self._table: [
                {
                    "PutRequest": {
                        "Item": {
                            "item_id": {"S": item.item_id},
                            "properties": {"S": orjson.dumps(dict(item.properties)).decode()},
                            "updated_at_ms": {"N": str(now_ms)},
                        }
                    }
                }
                for item in batch
            ]
        }
        for attempt in range(_BATCH_ATTEMPTS):
            if attempt:  # what is left was throttled
                self._sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
            try:
                requests = self._client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
            except (BotoCoreError, ClientError) as error:
                raise Unavailable(f"catalogue table {self._table}: {error}") from error
            if not requests:
                return
        left = len(requests[self._table])
        raise Unavailable(f"catalogue table {self._table} left {left} of {len(batch)} items unwritten")

    def scan(self) -> Iterator[Item]:
        """Yield every item, in no order.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        try:
            for page in self._client.get_paginator("scan").paginate(
                TableName=self._table, ProjectionExpression="item_id, properties"
            ):
                for item in page["Items"]:
                    yield Item(item["item_id"]["S"], orjson.loads(item["properties"]["S"]))
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"catalogue table {self._table}: {error}") from error

"""DynamoDB in memory: tables with conditional writes, batches, and scans in pages of at most 1 MB."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.fakes.dynamodb_expressions import Expressions, Item, validation
from tests.fakes.service import ACCOUNT_ID, REGION, MemoryService, Request, Response, ServiceError, operation

PAGE_BYTES = 1024 * 1024
ITEM_BYTES = 400 * 1024
MAX_KEYS_PER_READ = 100
MAX_WRITES = 25

_EXPRESSIONS = ("ExpressionAttributeNames", "ExpressionAttributeValues")
_CONDITION = ("ConditionExpression", "ReturnValuesOnConditionCheckFailure", *_EXPRESSIONS)

Position = tuple[str, ...]


@dataclasses.dataclass
class _Table:
    """Items in the order of a scan: by hash of the partition key, then by sort key."""

    description: Mapping[str, Any]
    keys: Sequence[str]
    items: dict[Position, Item] = dataclasses.field(default_factory=dict)
    partitions: dict[str, set[Position]] = dataclasses.field(default_factory=dict)

    def put(self, item: Item) -> None:
        position = self.position(item)
        self.items[position] = item
        self.partitions.setdefault(position[1], set()).add(position)

    def delete(self, key: Mapping[str, Any]) -> None:
        position = self.position(key)
        if self.items.pop(position, None) is not None:
            self.partitions[position[1]].remove(position)

    def key(self, item: Mapping[str, Any]) -> Item:
        return {name: item[name] for name in self.keys}

    def position(self, key: Mapping[str, Any]) -> Position:
        """Return the position of an item with this key in a scan."""
        partition, *sort = (str(key[name]) for name in self.keys)
        return hashlib.md5(partition.encode()).hexdigest(), partition, *sort

    def check_key(self, key: Mapping[str, Any]) -> None:
        types = {one["AttributeName"]: one["AttributeType"] for one in self.description["AttributeDefinitions"]}
        if set(key) != set(self.keys) or any(types[name] not in value for name, value in key.items()):
            raise validation("The provided key element does not match the schema")

    def check_item(self, item: Mapping[str, Any]) -> None:
        if missing := [name for name in self.keys if name not in item]:
            raise validation(f"One or more parameter values were invalid: Missing the key {missing[0]} in the item")
        self.check_key(self.key(item))
        for name in self.keys:
            if item[name] in ({"S": ""}, {"B": b""}):
                raise validation(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    f"an empty string value. Key: {name}"
                )
        if _size_bytes(item) > ITEM_BYTES:
            raise validation("Item size has exceeded the maximum allowed size")


class MemoryDynamoDB(MemoryService):
    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    @operation("TableName", "KeySchema", "AttributeDefinitions", "BillingMode")
    def create_table(self, request: Request) -> Response:
        name = request["TableName"]
        if name in self._tables:
            raise ServiceError("ResourceInUseException", f"Table already exists: {name}")
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}"
        description = {**request, "TableArn": arn, "TableStatus": "ACTIVE"}
        description["BillingModeSummary"] = {"BillingMode": description.pop("BillingMode")}
        hash_first = sorted(request["KeySchema"], key=lambda one: one["KeyType"] != "HASH")
        self._tables[name] = _Table(description, [one["AttributeName"] for one in hash_first])
        return {"TableDescription": description}

    @operation("TableName")
    def delete_table(self, request: Request) -> Response:
        table = self._table(request)
        del self._tables[request["TableName"]]
        return {"TableDescription": {**table.description, "TableStatus": "DELETING"}}

    @operation("TableName")
    def describe_table(self, request: Request) -> Response:
        table = self._table(request)
        return {"Table": {**table.description, "ItemCount": len(table.items)}}

    @operation()
    def list_tables(self, request: Request) -> Response:
        return {"TableNames": sorted(self._tables)}

    @operation("TableName", "Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames")
    def get_item(self, request: Request) -> Response:
        table = self._table(request)
        table.check_key(request["Key"])
        items = self._found(table, [request["Key"]], request)
        return {"Item": items[0]} if items else {}

    @operation("RequestItems")
    def batch_get_item(self, request: Request) -> Response:
        requested = request["RequestItems"]
        if sum(len(one["Keys"]) for one in requested.values()) > MAX_KEYS_PER_READ:
            raise validation("Too many items requested for the BatchGetItem call")
        responses = {}
        for name, part in requested.items():
            table = self._table({"TableName": name})
            for key in part["Keys"]:
                table.check_key(key)
            _check_distinct(table, part["Keys"])
            responses[name] = self._found(table, part["Keys"], part)
        return {"Responses": responses, "UnprocessedKeys": {}}

    @operation("TableName", "Item", *_CONDITION)
    def put_item(self, request: Request) -> Response:
        table, item = self._table(request), copy.deepcopy(request["Item"])
        table.check_item(item)
        self._checked(table, table.key(item), request)
        table.put(item)
        return {}

    @operation("TableName", "Key", "UpdateExpression", *_CONDITION)
    def update_item(self, request: Request) -> Response:
        table = self._table(request)
        table.check_key(request["Key"])
        expressions = Expressions(*(request.get(name) for name in _EXPRESSIONS))
        update = expressions.update(request["UpdateExpression"])
        if keys := [name for name in table.keys if name in update]:
            raise validation(
                f"One or more parameter values were invalid: Cannot update attribute {keys[0]}. "
                "This attribute is part of the key"
            )
        old = self._checked(table, request["Key"], request, expressions)
        item = copy.deepcopy(old or request["Key"])
        item |= {name: new_value(item) for name, new_value in update.items()}
        table.check_item(item)
        table.put(item)
        return {}

    @operation("TableName", "Key", *_CONDITION)
    def delete_item(self, request: Request) -> Response:
        table = self._table(request)
        table.check_key(request["Key"])
        self._checked(table, request["Key"], request)
        table.delete(request["Key"])
        return {}

    @operation("RequestItems")
    def batch_write_item(self, request: Request) -> Response:
        writes = request["RequestItems"]
        if sum(map(len, writes.values())) > MAX_WRITES:
            raise validation("Too many items requested for the BatchWriteItem call")
        for name, requests in writes.items():
            table = self._table({"TableName": name})
            keys = []
            for one in requests:
                if "PutRequest" in one:
                    table.check_item(one["PutRequest"]["Item"])
                    keys.append(table.key(one["PutRequest"]["Item"]))
                else:
                    table.check_key(one["DeleteRequest"]["Key"])
                    keys.append(one["DeleteRequest"]["Key"])
            _check_distinct(table, keys)
        for name, requests in writes.items():
            for one in requests:
                if "PutRequest" in one:
                    self.put_item({"TableName": name, **one["PutRequest"]})
                else:
                    self.delete_item({"TableName": name, **one["DeleteRequest"]})
        return {"UnprocessedItems": {}}

    @operation(
        "TableName", "FilterExpression", "ProjectionExpression", "ConsistentRead", "Limit", "ExclusiveStartKey",
        "Segment", "TotalSegments", "Select", *_EXPRESSIONS,
    )  # fmt: skip
    def scan(self, request: Request) -> Response:
        table = self._table(request)
        expressions = Expressions(*(request.get(name) for name in _EXPRESSIONS))
        matches = expressions.condition(request["FilterExpression"]) if "FilterExpression" in request else _always
        project = expressions.projection(request["ProjectionExpression"]) if "ProjectionExpression" in request else dict
        expressions.check_all_used()
        start = table.position(request["ExclusiveStartKey"]) if "ExclusiveStartKey" in request else ()
        found: list[Item] = []
        scanned = size_bytes = 0
        last: Item | None = None
        for position in sorted(table.items):
            if position <= start or not _in_segment(position, request):
                continue
            if scanned == request.get("Limit") or size_bytes >= PAGE_BYTES:
                assert last is not None
                rest = {"LastEvaluatedKey": table.key(last)}
                break
            last = table.items[position]
            scanned += 1
            size_bytes += _size_bytes(last)
            if matches(last):
                found.append(project(copy.deepcopy(last)))
        else:
            # A scan that reaches its limit does not check for a further item.
            limited = last is not None and scanned == request.get("Limit")
            rest = {"LastEvaluatedKey": table.key(last)} if limited and last is not None else {}
        items = {} if request.get("Select") == "COUNT" else {"Items": found}
        return {**items, "Count": len(found), "ScannedCount": scanned, **rest}

    @operation(
        "TableName", "KeyConditionExpression", "ProjectionExpression", "ScanIndexForward", "ConsistentRead", "Limit",
        "ExclusiveStartKey", *_EXPRESSIONS,
    )  # fmt: skip
    def query(self, request: Request) -> Response:
        table = self._table(request)
        expressions = Expressions(*(request.get(name) for name in _EXPRESSIONS))
        matches = expressions.condition(request["KeyConditionExpression"])
        project = expressions.projection(request["ProjectionExpression"]) if "ProjectionExpression" in request else dict
        expressions.check_all_used()
        forward = request.get("ScanIndexForward", True)
        start = table.position(request["ExclusiveStartKey"]) if "ExclusiveStartKey" in request else None
        found: list[Item] = []
        size_bytes = 0
        # The condition compares the partition key with one of the values.
        partitions = {str(value) for value in request.get("ExpressionAttributeValues", {}).values()}
        positions = {position for name in partitions for position in table.partitions.get(name, ())}
        for position in sorted((one for one in positions if matches(table.items[one])), reverse=not forward):
            if start is not None and (position <= start if forward else position >= start):
                continue
            if size_bytes >= PAGE_BYTES:
                break
            last = table.items[position]
            found.append(project(copy.deepcopy(last)))
            size_bytes += _size_bytes(last)
            if len(found) == request.get("Limit"):
                break
        else:
            return {"Items": found, "Count": len(found)}
        return {"Items": found, "Count": len(found), "LastEvaluatedKey": table.key(last)}

    def _table(self, request: Request) -> _Table:
        name = request["TableName"]
        if name not in self._tables:
            raise ServiceError("ResourceNotFoundException", "Requested resource not found")
        return self._tables[name]

    @staticmethod
    def _found(table: _Table, keys: Iterable[Item], request: Request) -> list[Item]:
        expressions = Expressions(request.get("ExpressionAttributeNames"), None)
        project = expressions.projection(request["ProjectionExpression"]) if "ProjectionExpression" in request else dict
        expressions.check_all_used()
        found = (table.items.get(table.position(key)) for key in keys)
        return [project(copy.deepcopy(item)) for item in found if item is not None]

    @staticmethod
    def _checked(table: _Table, key: Item, request: Request, expressions: Expressions | None = None) -> Item | None:
        """Return the item that a write replaces, or None. Raise if the write's condition is not met."""
        expressions = expressions or Expressions(*(request.get(name) for name in _EXPRESSIONS))
        condition = (
            expressions.condition(request["ConditionExpression"]) if "ConditionExpression" in request else _always
        )
        expressions.check_all_used()
        old = table.items.get(table.position(key))
        if not condition(old or {}):
            shown = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None
            fields = {"Item": copy.deepcopy(old)} if shown else {}
            raise ServiceError("ConditionalCheckFailedException", "The conditional request failed", fields=fields)
        return old


def _always(_: Item) -> bool:
    return True


def _check_distinct(table: _Table, keys: Sequence[Item]) -> None:
    if len({table.position(key) for key in keys}) < len(keys):
        raise validation("Provided list of item keys contains duplicates")


def _in_segment(position: Position, request: Request) -> bool:
    segment = int(position[0][:8], 16) * int(request.get("TotalSegments", 1)) >> 32
    return segment == int(request.get("Segment", 0))


def _size_bytes(item: Mapping[str, Any]) -> int:
    """Return an item's size.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + len(content) + _size_bytes(content)
    if kind == "L":
        return 3 + len(content) + sum(map(_value_bytes, content))
    if len(kind) == 2:
        return sum(_value_bytes({kind[0]: one}) for one in content)
    if kind == "N":
        return len(content.lstrip("-").replace(".", "")) // 2 + 2
    return {"S": lambda: len(content.encode()), "B": lambda: len(content)}.get(kind, lambda: 1)()

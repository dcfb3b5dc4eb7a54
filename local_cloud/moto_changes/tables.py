"""DynamoDB: queries, scans and writes, the records of streams, and items on their way in and out."""

import bisect
import copy
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from moto.core.parse import JSONParser
from moto.core.serialize import JSONSerializer
from moto.core.utils import utcnow
from moto.dynamodb import responses
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.limits import RANGE_KEY_MAX_LENGTH
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamRecord, Table
from moto.moto_api._internal import mock_random

from local_cloud.moto_changes.change import MotoChange, Runtime, one_by_one, replace

_ITEM_WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")

_SERVICES = ("dynamodb", "dynamodbstreams")

_SCALARS = frozenset({"S", "N", "BOOL", "NULL"})

_LARGEST_ITEM_BYTES: Final = 405_000
"""Limit of moto: more than DynamoDB's 400 KB, whose own sizes are not exact."""

_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?").fullmatch
"""Matches numbers that DynamoDB certainly stores, in range and precision."""


def _query_one_partition(runtime: Runtime) -> None:
    original = Table.query

    @functools.wraps(original)
    def query(self: Any, hash_key: Any, *arguments: Any, **options: Any) -> Any:
        if hash_key is None or options.get("index_name"):
            return original(self, hash_key, *arguments, **options)
        narrow: Any = copy.copy(self)
        narrow.items = {hash_key: self.items[hash_key]} if hash_key in self.items else {}
        return original(narrow, hash_key, *arguments, **options)

    replace(Table, "query", query)


def _scan_from_the_start_key(runtime: Runtime) -> None:
    original: Any = Table.scan

    def all_items(self: Any) -> list[Any]:
        items = list(self.items.values())
        if self.has_range_key:
            items = [item for partition in items for item in list(partition.values())]
        return sorted(items, key=_key)

    @functools.wraps(original)
    def scan(self: Any, filters: Any, limit: Any, exclusive_start_key: Any, *arguments: Any, **options: Any) -> Any:
        index = arguments[1] if len(arguments) > 1 else options.get("index_name")
        if index or exclusive_start_key is None:
            return original(self, filters, limit, exclusive_start_key, *arguments, **options)
        start = tuple(DynamoType(exclusive_start_key[name]).cast_value for name in self.table_key_attrs)
        items = self.all_items()
        rest = items[bisect.bisect_right(items, start, key=_key) :]
        narrow: Any = copy.copy(self)
        narrow.all_items = lambda: rest
        return original(narrow, filters, limit, None, *arguments, **options)

    replace(Table, "all_items", all_items)
    replace(Table, "scan", scan)


def _key(item: Any) -> tuple[Any, ...]:
    hash_value = item.hash_key.cast_value
    return (hash_value,) if item.range_key is None else (hash_value, item.range_key.cast_value)


def _size_items_once(runtime: Runtime) -> None:
    cast: Any = DynamoType.cast_value

    def create(self: Any, hash_key: Any, range_key: Any, attrs: Mapping[str, Any]) -> None:
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if self.size() > _LARGEST_ITEM_BYTES:
            raise ItemSizeTooLarge

    def size(self: Any) -> int:
        return sum(
            _text_bytes(name) + (_text_bytes(value.value) if value.type == "S" else value.size())
            for name, value in self.attrs.items()
        )

    def cast_value(self: Any) -> Any:
        return self.value if self.type == "S" else cast.fget(self)

    replace(Item, "__init__", create)
    replace(Item, "size", size)
    replace(DynamoType, "cast_value", property(cast_value))


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _put_batches_in_one_pass(runtime: Runtime) -> None:
    handlers: Any = responses
    original = handlers.DynamoHandler.batch_write_item

    def put_plain_items(self: Any, puts: Sequence[tuple[Any, Any]]) -> None:
        with runtime.recorder.together():
            for table, item in puts:
                before = table.get_item(item.hash_key, item.range_key)
                if item.range_key is None:
                    table.items[item.hash_key] = item
                else:
                    table.items[item.hash_key][item.range_key] = item
                if table.stream_shard is not None:
                    table.stream_shard.add(before, item)
                runtime.recorder.item(table, item.hash_key, item.range_key)

    @functools.wraps(original)
    def batch_write_item(self: Any) -> Any:
        requests = self.body["RequestItems"]
        puts = list[tuple[Any, Any]]()
        for name, writes in requests.items():
            table = self.dynamodb_backend.get_table(name)
            items = [_plain_item(table, write) for write in writes]
            if not all(items) or len({(item.hash_key, item.range_key) for item in items}) < len(items):
                return original(self)
            puts += [(table, item) for item in items]
        self.dynamodb_backend.put_plain_items(puts)
        self.body["RequestItems"] = dict.fromkeys(requests, ())  # moto writes nothing and answers
        return original(self)

    replace(DynamoDBBackend, "put_plain_items", put_plain_items)
    replace(handlers.DynamoHandler, "batch_write_item", batch_write_item)


def _plain_item(table: Any, write: Mapping[str, Any]) -> Any:
    """Return the item that a request puts into a table; None if it needs moto's checks."""
    attributes = write["PutRequest"]["Item"] if write.keys() == {"PutRequest"} else {}
    if table.global_indexes or not all(map(_is_plain_scalar, attributes.values())):
        return None
    names = ((table.hash_key_attr, table.hash_key_type), (table.range_key_attr, table.range_key_type))
    for name, kind in names:
        value = attributes.get(name, {}).get(kind) if name is not None else "present"
        if not value or len(value) * 4 > RANGE_KEY_MAX_LENGTH:  # the smaller limit of both keys
            return None
    range_key = table.range_key_attr and DynamoType(attributes[table.range_key_attr])
    return Item(DynamoType(attributes[table.hash_key_attr]), range_key, attributes)


def _is_plain_scalar(value: Any) -> bool:
    """Say whether an attribute value is a text, a boolean or a number that needs no further check."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return type(content) is str
        case "BOOL":
            return type(content) is bool
        case "N":
            return type(content) is str and _PLAIN_NUMBER(content) is not None
    return False


def _write_items_one_by_one(runtime: Runtime) -> None:
    one_by_one(DynamoDBBackend, (*_ITEM_WRITES, "put_plain_items"))


def _size_stream_records(runtime: Runtime) -> None:
    def create(self: Any, table: Any, stream_type: str, event_name: str, old: Any, new: Any, seq: int) -> None:
        item = new if old is None else old
        keys = {table.hash_key_attr: item.hash_key.to_json()}
        size_bytes = len(table.hash_key_attr) + item.hash_key.size()
        if item.range_key is not None:
            keys[table.range_key_attr] = item.range_key.to_json()
            size_bytes += len(table.range_key_attr) + item.range_key.size()
        images = {}
        for name, view, image in (("NewImage", "NEW_IMAGE", new), ("OldImage", "OLD_IMAGE", old)):
            if image is not None and stream_type in (view, "NEW_AND_OLD_IMAGES"):
                images[name] = image.to_json()["Attributes"]
                size_bytes += image.size()
        self.record = {
            "eventID": mock_random.uuid4().hex,
            "eventName": event_name,
            "eventSource": "aws:dynamodb",
            "eventVersion": "1.0",
            "awsRegion": table.region_name,
            "dynamodb": {
                "StreamViewType": stream_type,
                "ApproximateCreationDateTime": utcnow(),
                "SequenceNumber": str(seq),
                "SizeBytes": size_bytes,
                "Keys": keys,
                **images,
            },
        }

    replace(StreamRecord, "__init__", create)


def _pass_items_through(runtime: Runtime) -> None:
    parse: Any = JSONParser._parse_map
    serialize = JSONSerializer._serialize_type_map

    @functools.wraps(parse)
    def parse_map(self: Any, shape: Any, value: Any) -> Any:
        if _holds_attributes(self, shape) and all(map(_is_plain, value.values())):
            return value
        return parse(self, shape, value)

    @functools.wraps(serialize)
    def serialize_map(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if _holds_attributes(self, shape) and all(map(_is_plain, value.values())):
            self._default_serialize(serialized, value, shape, key)
        else:
            serialize(self, serialized, value, shape, key)

    handlers: Any = responses
    original = handlers.dynamo_to_dict

    def to_dict(value: Any) -> Any:
        if isinstance(value, DynamoType):
            return {value.type: value.value} if value.type in _SCALARS else original(value)
        if isinstance(value, dict):
            return {name: to_dict(content) for name, content in value.items()}
        if isinstance(value, list):
            return [to_dict(content) for content in value]
        return original(value)

    handlers.dynamo_to_dict = to_dict
    replace(JSONParser, "_parse_map", parse_map)
    replace(JSONSerializer, "_serialize_type_map", serialize_map)


def _holds_attributes(converter: Any, shape: Any) -> bool:
    service = converter.operation_model.service_model.service_name
    return service in _SERVICES and shape.value.name == "AttributeValue"


def _is_plain(value: Any) -> bool:
    """Say whether an attribute value is the same on the wire and in moto; binary values are not."""
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    match kind:
        case "S" | "N":
            return type(content) is str
        case "BOOL" | "NULL":
            return type(content) is bool
        case "M":
            return type(content) is dict and all(map(_is_plain, content.values()))
        case "L":
            return type(content) is list and all(map(_is_plain, content))
    return False


CHANGES: Final[tuple[MotoChange, ...]] = (
    MotoChange(
        "moto reads the whole table for each Query",
        ("moto.dynamodb.models.table:Table.query",),
        _query_one_partition,
    ),
    MotoChange(
        "moto sorts a table by slow comparisons for each page of a Scan, and reads all earlier pages again",
        ("moto.dynamodb.models.table:Table.all_items", "moto.dynamodb.models.table:Table.scan"),
        _scan_from_the_start_key,
    ),
    MotoChange(
        "moto sizes an item once for each of its attributes, and looks up a key's type under many names",
        (
            "moto.dynamodb.models.dynamo_type:Item.__init__",
            "moto.dynamodb.models.dynamo_type:Item.size",
            "moto.dynamodb.models.dynamo_type:LimitedSizeDict",
            "moto.dynamodb.models.dynamo_type:DynamoType",
        ),
        _size_items_once,
    ),
    MotoChange(
        "moto checks and stores each item of a BatchWriteItem alone",
        (
            "moto.dynamodb.responses:DynamoHandler.batch_write_item",
            "moto.dynamodb.models.table:Table.put_item",
            "moto.dynamodb.models.table:StreamShard.add",
        ),
        _put_batches_in_one_pass,
    ),
    MotoChange(
        "moto checks a condition and writes in two steps, so that two conditional writes can both succeed",
        tuple(f"moto.dynamodb.models:DynamoDBBackend.{name}" for name in _ITEM_WRITES),
        _write_items_one_by_one,
    ),
    MotoChange(
        "moto writes each stream record as JSON to learn its size, and gives all records the region us-east-1",
        ("moto.dynamodb.models.table:StreamRecord.__init__", "moto.dynamodb.models.table:StreamShard.get"),
        _size_stream_records,
    ),
    MotoChange(
        "moto converts each attribute of an item several times, and looks it up under many names",
        (
            "moto.core.parse:RequestParser._parse_map",
            "moto.core.serialize:BaseJSONSerializer._serialize_type_map",
            "moto.dynamodb.models.utilities:dynamo_to_dict",
            "moto.dynamodb.responses:DynamoResult.__init__",
        ),
        _pass_items_through,
    ),
)

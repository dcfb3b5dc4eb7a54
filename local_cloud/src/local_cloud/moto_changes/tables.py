"""Changes of DynamoDB: queries, scans, writes, stream records, and the conversion of items."""

import binascii
import bisect
import copy
import functools
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import orjson
from moto.core.parse import JSONParser
from moto.core.serialize import JSONSerializer
from moto.dynamodb import responses
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.limits import RANGE_KEY_MAX_LENGTH
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table

from local_cloud.moto_changes.change import Change, Runtime, one_by_one, replace, wrapping

_ITEM_WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")

_SERVICES = ("dynamodb", "dynamodbstreams")

_SCALARS = frozenset({"S", "N", "BOOL", "NULL"})

_LARGEST_ITEM_BYTES: Final = 405_000
"""moto's size limit of an item. DynamoDB's limit is 400 KB (409,600 bytes)."""

_MAX_WRITES: Final = 25
"""Limit of BatchWriteItem."""

_Puts = dict[tuple[Any, Any], tuple[Any, Mapping[str, Any]]]
"""Items of a table and their attributes in the form of the request, by hash and range key."""

_BATCH_WRITE: Final = "DynamoDB_20120810.BatchWriteItem"
_ALL_WRITTEN: Final = b'{"UnprocessedItems":{}}'
_ALL_WRITTEN_HEADERS: Final = {
    "Content-Type": "application/x-amz-json-1.0",
    "x-amz-crc32": str(binascii.crc32(_ALL_WRITTEN)),
}

_PLAIN_TYPES: Final = {"S": str, "N": str, "BOOL": bool}
_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?").fullmatch
"""Function that matches numbers within the range and precision that DynamoDB always stores."""


def _query_one_partition(runtime: Runtime) -> None:
    """moto reads the whole table for each Query."""

    @wrapping(Table, "query")
    def query(original: Any, self: Any, hash_key: Any, *arguments: Any, **options: Any) -> Any:
        if hash_key is None or options.get("index_name"):
            return original(self, hash_key, *arguments, **options)
        narrow: Any = copy.copy(self)
        narrow.items = {hash_key: self.items[hash_key]} if hash_key in self.items else {}
        return original(narrow, hash_key, *arguments, **options)


def _project_attributes(runtime: Runtime) -> None:
    """moto decodes a whole item for each attribute of a projection."""

    @wrapping(Item, "project")
    def project(original: Any, self: Any, projection_expressions: list[list[str]]) -> Any:
        names = [name for expression in projection_expressions for name in expression]
        if len(names) != len(projection_expressions) or any("[" in name for name in names):
            return original(self, projection_expressions)
        projected = copy.copy(self)
        projected.attrs = {name: self.attrs[name] for name in names if name in self.attrs}
        return projected


def _scan_from_the_start_key(runtime: Runtime) -> None:
    """moto sorts a table by slow comparisons for each page of a Scan, and reads all earlier pages again."""

    def all_items(self: Any) -> list[Any]:
        items = list(self.items.values())
        if self.has_range_key:
            items = [item for partition in items for item in list(partition.values())]
        return sorted(items, key=_key)

    @wrapping(Table, "scan")
    def scan(
        original: Any, self: Any, filters: Any, limit: Any, exclusive_start_key: Any, *arguments: Any, **options: Any
    ) -> Any:
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


def _key(item: Any) -> tuple[Any, ...]:
    hash_value = item.hash_key.cast_value
    return (hash_value,) if item.range_key is None else (hash_value, item.range_key.cast_value)


def _size_items_once(runtime: Runtime) -> None:
    """moto computes the size of an item again for each attribute, and compares the type of a key with many types."""
    cast: Any = DynamoType.cast_value
    to_json: Any = Item.to_json

    def create(self: Any, hash_key: Any, range_key: Any, attrs: Mapping[str, Any]) -> None:
        _fill(self, hash_key, range_key, {name: DynamoType(value) for name, value in attrs.items()})
        if self.size() > _LARGEST_ITEM_BYTES:
            raise ItemSizeTooLarge

    def size(self: Any) -> int:
        return sum(
            _text_bytes(name) + (_text_bytes(value.value) if value.type == "S" else value.size())
            for name, value in self.attrs.items()
        )

    def cast_value(self: Any) -> Any:
        return self.value if self.type == "S" else cast.fget(self)

    def item_to_json(self: Any, root_attr_name: str = "Attributes") -> dict[str, Any]:
        plain = {name: {value.type: value.value} for name, value in self.attrs.items() if value.type in _SCALARS}
        return {root_attr_name: plain} if len(plain) == len(self.attrs) else to_json(self, root_attr_name)

    replace(Item, "__init__", create)
    replace(Item, "size", size)
    replace(Item, "to_json", item_to_json)
    replace(DynamoType, "cast_value", property(cast_value))


def _fill(item: Any, hash_key: Any, range_key: Any, attributes: Mapping[str, Any]) -> None:
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    dict.update(item.attrs, attributes)


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _put_batches_in_one_pass(runtime: Runtime) -> None:
    """moto parses a BatchWriteItem by its shapes, and checks and stores the items one at a time."""
    handlers: Any = responses
    original = handlers.DynamoHandler._dispatch

    def put_plain_items(self: Any, puts: Mapping[Any, _Puts]) -> None:
        with runtime.recorder.together():
            for table, items in puts.items():
                for (hash_key, range_key), (item, attributes) in items.items():
                    before = table.get_item(hash_key, range_key)
                    if range_key is None:
                        table.items[hash_key] = item
                    else:
                        table.items[hash_key][range_key] = item
                    if (shard := table.stream_shard) is not None:
                        record: Any = StreamRecord.__new__(StreamRecord)
                        record.record = _record_of(table, before, item, attributes=attributes)
                        shard.items.append(record)
                runtime.recorder.attributes(table, {keys: attributes for keys, (_, attributes) in items.items()})

    @functools.wraps(original)
    def dispatch(self: Any, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        if request.headers.get("X-Amz-Target") == _BATCH_WRITE:
            self.headers, self.querystring = request.headers, {}
            self.current_account = self.get_current_account()
            self.region = self.get_region_from_url(request, full_url or "")
            try:
                if puts := _plain_puts(request.get_data(), self.dynamodb_backend.tables):
                    self.dynamodb_backend.put_plain_items(puts)
                    return 200, dict(_ALL_WRITTEN_HEADERS), _ALL_WRITTEN
            except ItemSizeTooLarge as error:  # moto would write the items that precede the large one
                self.batch_write_item = functools.partial(_refuse, error)
        return original(self, request, full_url, headers)

    replace(DynamoDBBackend, "put_plain_items", put_plain_items)
    replace(handlers.DynamoHandler, "_dispatch", dispatch)


def _plain_puts(body: bytes, tables: Mapping[str, Any]) -> dict[Any, _Puts]:
    """Return the puts of a request by table, or an empty dictionary if the request needs moto's checks.

    Raise ItemSizeTooLarge if an item exceeds `_LARGEST_ITEM_BYTES`.
    """
    puts = dict[Any, _Puts]()
    try:
        request = orjson.loads(body)
        for name, writes in request.pop("RequestItems").items():
            table = tables[name]
            made = [(_plain_item(table, write), write["PutRequest"]["Item"]) for write in writes]
            puts[table] = {(item.hash_key, item.range_key): (item, attributes) for item, attributes in made}
            if len(puts[table]) < len(writes):
                return {}
    except (ValueError, KeyError, TypeError, AttributeError, _NotPlainError):
        return {}  # moto checks the request and returns its errors
    items = [item for table_puts in puts.values() for item, _ in table_puts.values()]
    if len(body) > _LARGEST_ITEM_BYTES and any(item.size() > _LARGEST_ITEM_BYTES for item in items):
        raise ItemSizeTooLarge
    return {} if request or len(items) > _MAX_WRITES else puts


def _plain_item(table: Any, write: Mapping[str, Any]) -> Any:
    """Return the item of a put that moto need not check. Other writes raise an error, for example `_NotPlainError`."""
    ((kind, put),) = write.items()
    values = {name: _plain_scalar(value) for name, value in put["Item"].items()}
    hash_key, range_key = values[table.hash_key_attr], table.range_key_attr and values[table.range_key_attr]
    for key, key_type in ((hash_key, table.hash_key_type), (range_key, table.range_key_type)):
        # RANGE_KEY_MAX_LENGTH is the smaller of the limits of the two keys.
        if key and (key.type != key_type or not key.value or len(key.value) * 4 > RANGE_KEY_MAX_LENGTH):
            raise _NotPlainError
    if kind != "PutRequest" or table.global_indexes:
        raise _NotPlainError
    item = object.__new__(Item)  # the constructor would convert each attribute
    _fill(item, hash_key, range_key, values)
    return item


def _plain_scalar(value: Mapping[str, Any]) -> Any:
    """Return the value of an attribute that is a string, a boolean, or a number that needs no further check.

    Other values raise an error, for example `_NotPlainError`.
    """
    ((kind, content),) = value.items()
    expected = _PLAIN_TYPES[kind]
    if type(content) is not expected or (kind == "N" and _PLAIN_NUMBER(str(content)) is None):
        raise _NotPlainError
    scalar = object.__new__(DynamoType)
    scalar.type, scalar.value = kind, content
    return scalar


def _refuse(error: Exception) -> NoReturn:
    raise error


class _NotPlainError(Exception):
    """Error for a write that needs moto's checks."""


def _write_items_one_by_one(runtime: Runtime) -> None:
    """moto checks a condition and writes in two steps, so that two conditional writes can both succeed."""
    one_by_one(DynamoDBBackend, (*_ITEM_WRITES, "put_plain_items"))


def _size_stream_records(runtime: Runtime) -> None:
    """moto writes each stream record as JSON to learn its size, gives it the region us-east-1, and keeps it."""

    def create(self: Any, table: Any, stream_type: str, event_name: str, old: Any, new: Any, seq: int) -> None:
        self.record = _record_of(table, old, new)

    def forget_records(self: Any, before: int) -> None:
        forgotten = min(before - self.starting_sequence_number, len(self.items))
        for index in range(_forgotten(self), forgotten):
            self.items[index] = None  # positions of other items do not change
        self.forgotten = max(forgotten, _forgotten(self))

    def get(self: Any, start: int, quantity: int) -> list[dict[str, Any]]:
        first = max(start - self.starting_sequence_number, _forgotten(self))
        return [item.to_json() for item in self.items[first : first + quantity] if item is not None]

    replace(StreamRecord, "__init__", create)
    replace(StreamShard, "forget_records", forget_records)
    replace(StreamShard, "get", get)


def _forgotten(shard: Any) -> int:
    return int(vars(shard).get("forgotten", 0))


def _record_of(table: Any, old: Any, new: Any, *, attributes: Any = None) -> dict[str, Any]:
    """Return the next record of a table's stream. `attributes` is the new item in the form of a request, if known."""
    shard, item = table.stream_shard, new if old is None else old
    keys = {table.hash_key_attr: item.hash_key.to_json()}
    size_bytes = len(table.hash_key_attr) + item.hash_key.size()
    if item.range_key is not None:
        keys[table.range_key_attr] = item.range_key.to_json()
        size_bytes += len(table.range_key_attr) + item.range_key.size()
    images, stream_type = {}, table.stream_specification["StreamViewType"]
    for name, view, image in (("NewImage", "NEW_IMAGE", new), ("OldImage", "OLD_IMAGE", old)):
        if image is not None and stream_type in (view, "NEW_AND_OLD_IMAGES"):
            known = attributes if image is new else None
            images[name] = image.to_json()["Attributes"] if known is None else known
            size_bytes += image.size()
    return {
        # Not uuid4: os.urandom releases Python's global lock, and other threads would delay the write.
        "eventID": f"{random.getrandbits(128):032x}",
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.0",
        "awsRegion": table.region_name,
        "dynamodb": {
            "StreamViewType": stream_type,
            "ApproximateCreationDateTime": datetime.now(UTC).replace(tzinfo=None),
            "SequenceNumber": str(shard.starting_sequence_number + len(shard.items)),
            "SizeBytes": size_bytes,
            "Keys": keys,
            **images,
        },
    }


def _pass_items_through(runtime: Runtime) -> None:
    """moto converts each attribute of an item several times, and looks it up under many names."""

    @wrapping(JSONParser, "_parse_map")
    def parse_map(parse: Any, self: Any, shape: Any, value: Any) -> Any:
        if _holds_attributes(self, shape) and all(map(_is_plain, value.values())):
            return value
        return parse(self, shape, value)

    @wrapping(JSONSerializer, "_serialize_type_map")
    def serialize_map(serialize: Any, self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
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


def _holds_attributes(converter: Any, shape: Any) -> bool:
    service = converter.operation_model.service_model.service_name
    return service in _SERVICES and shape.value.name == "AttributeValue"


def _is_plain(value: Any) -> bool:
    """Return whether an attribute value needs no conversion. Binary values and sets are always converted."""
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


CHANGES: Final[Sequence[Change]] = (
    _query_one_partition,
    _project_attributes,
    _scan_from_the_start_key,
    _size_items_once,
    _put_batches_in_one_pass,
    _write_items_one_by_one,
    _size_stream_records,
    _pass_items_through,
)

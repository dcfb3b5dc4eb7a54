"""Changes of DynamoDB: queries, scans, writes, stream records, and the conversion of items."""

import bisect
import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from moto.core.parse import JSONParser
from moto.core.serialize import JSONSerializer
from moto.dynamodb import responses
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamShard, Table

from local_cloud.moto_changes.change import Change, Runtime, one_by_one, replace, wrapping

_ITEM_WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")

_SERVICES = ("dynamodb", "dynamodbstreams")

_SCALARS = frozenset({"S", "N", "BOOL", "NULL"})

_LARGEST_ITEM_BYTES: Final = 405_000
"""moto's size limit of an item. DynamoDB's limit is 400 KB (409,600 bytes)."""


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
    """moto sizes an item once for each of its attributes, and looks up a key's type under many names."""
    cast: Any = DynamoType.cast_value
    to_json: Any = Item.to_json

    def create(self: Any, hash_key: Any, range_key: Any, attrs: Mapping[str, Any]) -> None:
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        dict.update(self.attrs, {name: DynamoType(value) for name, value in attrs.items()})
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


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _write_items_one_by_one(runtime: Runtime) -> None:
    """moto checks a condition and writes in two steps, so that two conditional writes can both succeed."""
    one_by_one(DynamoDBBackend, _ITEM_WRITES)


def _forget_stream_records(runtime: Runtime) -> None:
    """moto keeps all stream records of a table."""

    def forget_records(self: Any, before: int) -> None:
        forgotten = min(before - self.starting_sequence_number, len(self.items))
        for index in range(_forgotten(self), forgotten):
            self.items[index] = None  # positions of other items do not change
        self.forgotten = max(forgotten, _forgotten(self))

    def get(self: Any, start: int, quantity: int) -> list[dict[str, Any]]:
        first = max(start - self.starting_sequence_number, _forgotten(self))
        return [item.to_json() for item in self.items[first : first + quantity] if item is not None]

    replace(StreamShard, "forget_records", forget_records)
    replace(StreamShard, "get", get)


def _forgotten(shard: Any) -> int:
    return int(vars(shard).get("forgotten", 0))


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
    _write_items_one_by_one,
    _forget_stream_records,
    _pass_items_through,
)

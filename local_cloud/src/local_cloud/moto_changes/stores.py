"""Changes of buckets, Kinesis streams, composite alarms, and code that all services of moto share."""

import functools
import threading
from collections.abc import Sequence
from typing import Any, Final

from moto import backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core import responses
from moto.core.common_models import BaseModel
from moto.kinesis.models import Record, Shard
from moto.s3.responses import S3Response

from local_cloud.moto_changes.change import Change, Runtime, one_by_one, replace

_OBJECT_WRITES = ("put_object", "delete_object")


def _write_objects_one_by_one(runtime: Runtime) -> None:
    """moto checks a condition and puts an object in two steps, so that two conditional puts can both succeed."""
    one_by_one(S3Response, _OBJECT_WRITES)


def forget_objects(_: object = None) -> None:
    """moto keeps every object that it ever created, such as overwritten items and results of queries."""
    replace(BaseModel, "__new__", staticmethod(lambda cls, *_, **__: object.__new__(cls)))


def _list_once(runtime: Runtime) -> None:
    """moto lists its own directory and the methods of a class for each request."""
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names
    methods: Any = responses
    methods.method_names_from_class = functools.cache(methods.method_names_from_class)


def _keep_every_stream_record(runtime: Runtime) -> None:
    """moto loses records that are put at the same time, keeps all, and reads a shard from its beginning each time."""
    lock = threading.Lock()

    def put_record(self: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
        with lock:
            number = self.get_max_sequence_number() + 1
            self.records[number] = Record(partition_key, data, number, explicit_hash_key)
            return str(number)

    def get_records(self: Any, last_sequence_id: str, limit: int | None) -> tuple[list[Any], int, int]:
        with lock:
            newest = self.get_max_sequence_number()
            # If the next records have been deleted, start at the first remaining record.
            position = max(int(last_sequence_id), next(iter(self.records), 1) - 1)
            records: list[Any] = []
            while position < newest and len(records) != limit:
                position += 1
                if position in self.records:
                    records.append(self.records[position])
            behind_s = self.records[newest].created_at - records[-1].created_at if records else 0
            return records, position, int(behind_s * 1000)

    def get_max_sequence_number(self: Any) -> int:
        return next(reversed(self.records), 0) or int(vars(self).get("last_number", 0))

    def forget_records(self: Any, before: int) -> None:
        with lock:
            self.last_number = self.get_max_sequence_number()
            while self.records and next(iter(self.records)) < before:
                self.records.popitem(last=False)

    replace(Shard, "put_record", put_record)
    replace(Shard, "get_records", get_records)
    replace(Shard, "get_max_sequence_number", get_max_sequence_number)
    replace(Shard, "forget_records", forget_records)


def store_composite_alarms(_: object = None) -> None:
    """moto can store composite alarms, but has no operation for it."""
    replace(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm)


CHANGES: Final[Sequence[Change]] = (
    forget_objects,
    _write_objects_one_by_one,
    _list_once,
    _keep_every_stream_record,
    store_composite_alarms,
)

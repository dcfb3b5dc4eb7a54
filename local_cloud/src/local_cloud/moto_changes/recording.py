"""Changes that record writes to moto's stores."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.kinesis.models import KinesisBackend, Stream
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey, S3Backend
from moto.sqs.models import Queue
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

from local_cloud.moto_changes.change import Change, Runtime, replace, wrapping

_BY_BUCKET_AND_KEY = (
    "put_object", "delete_object", "put_object_acl", "put_object_legal_hold", "put_object_retention",
    "delete_object_tagging",
)  # fmt: skip


def _record_items(runtime: Runtime) -> None:
    """moto keeps items in memory only."""

    def record(backend: Any, table_name: str, keys: dict[str, Any]) -> None:
        table = backend.get_table(table_name)
        hash_key = DynamoType(keys[table.hash_key_attr])
        range_key = table.range_key_attr and DynamoType(keys[table.range_key_attr])
        runtime.recorder.items(table, [(hash_key, range_key)])

    def recorded(write: Callable[..., Any], keys_name: str) -> Callable[..., Any]:
        @functools.wraps(write)
        def recording(self: Any, *arguments: Any, **options: Any) -> Any:
            answer = write(self, *arguments, **options)
            if not getattr(self, "in_transaction", False):
                table_name = arguments[0] if arguments else options["table_name"]
                record(self, table_name, arguments[1] if len(arguments) > 1 else options[keys_name])
            return answer

        return recording

    for name, keys_name in (("put_item", "item_attrs"), ("update_item", "key"), ("delete_item", "key")):
        replace(DynamoDBBackend, name, recorded(getattr(DynamoDBBackend, name), keys_name))

    @wrapping(DynamoDBBackend, "transact_write_items")
    def transact_write_items(original: Any, self: Any, transact_items: list[dict[str, Any]]) -> None:
        self.in_transaction = True  # moto undoes all writes if one fails
        try:
            original(self, transact_items)
        finally:
            self.in_transaction = False
        with runtime.recorder.together():
            for operation in transact_items:
                ((_, details),) = operation.items()
                record(self, details["TableName"], details.get("Item") or details["Key"])

    @wrapping(DynamoDBBackend, "delete_table")
    def recorded_delete(delete_table: Any, self: Any, name: str) -> Any:
        table = delete_table(self, name)
        runtime.recorder.emptied(table)
        return table


def _record_objects(runtime: Runtime) -> None:
    """moto keeps objects in memory only."""

    def recorded(write: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(write)

        @functools.wraps(write)
        def recording(*arguments: Any, **options: Any) -> Any:
            given = signature.bind(*arguments, **options).arguments
            if len(given.get("value", b"")) > runtime.recorder.largest_object:
                largest = f"{runtime.recorder.largest_object:,}"
                raise S3ClientError("EntityTooLarge", f"The embedded cloud stores objects of up to {largest} bytes.")
            answer = write(*arguments, **options)
            runtime.recorder.object(given["bucket_name"], given["key_name"])
            return answer

        return recording

    for name in _BY_BUCKET_AND_KEY:
        replace(S3Backend, name, recorded(getattr(S3Backend, name)))

    @wrapping(S3Backend, "put_object_tagging")
    def put_object_tagging(original: Any, self: Any, key: Any, *arguments: Any, **options: Any) -> Any:
        answer = original(self, key, *arguments, **options)
        runtime.recorder.object(key.bucket_name, key.name)
        return answer


def _read_stored_contents(runtime: Runtime) -> None:
    """moto keeps the contents of all objects in memory, and copies those of a bucket to list its versions."""
    value: Any = FakeKey.value

    def read(self: Any) -> bytes:
        if self._value_buffer is not None:
            # Another thread may have moved the content to the journal since the check.
            with contextlib.suppress(AttributeError, ValueError):
                return bytes(value.fget(self))
        return runtime.recorder.content(self)

    def without_content(self: Any, _: Any) -> Any:
        key: Any = FakeKey.__new__(FakeKey)
        vars(key).update(vars(self) | {"_value_buffer": None, "multipart": None})
        return key

    replace(FakeKey, "value", property(read, value.fset))
    replace(FakeKey, "__deepcopy__", without_content)


def _record_streams(runtime: Runtime) -> None:
    """moto keeps stream records in memory only."""

    @wrapping(Stream, "put_record")
    def put_record(original: Any, self: Any, *arguments: Any, **options: Any) -> tuple[str, str]:
        with runtime.recorder.together():  # a commit between the two writes would leave a gap in the shard
            sequence_number, shard_id = original(self, *arguments, **options)
            runtime.recorder.stream_record(self, shard_id, sequence_number)
        return sequence_number, shard_id

    @wrapping(KinesisBackend, "delete_stream")
    def recorded_delete(delete_stream: Any, self: Any, *arguments: Any, **options: Any) -> Any:
        stream = delete_stream(self, *arguments, **options)
        runtime.recorder.stream_deleted(stream)
        return stream


def _record_messages_and_executions(runtime: Runtime) -> None:
    """topics and executions change queues and histories without a request."""

    @wrapping(Queue, "add_message")
    def add_message(add: Any, self: Any, message: Any) -> None:
        add(self, message)
        runtime.recorder.service("sqs")

    @wrapping(BaseExecutionWorkerCommunication, "_reflect_execution_status")
    def reflect_execution_status(end: Any, self: Any) -> None:
        with runtime.recorder.together():  # moto sets the status before the output, so both are recorded together
            end(self)
        runtime.recorder.changed("states")


CHANGES: Final[Sequence[Change]] = (
    _record_items,
    _record_objects,
    _read_stored_contents,
    _record_streams,
    _record_messages_and_executions,
)

"""Protocols of boto3's clients, one per AWS service, with the operations that the product calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

Response = dict[str, Any]


class Pages(Protocol):
    """Paginator of one operation."""

    def paginate(self, *_: Any, **request: Any) -> Iterable[Response]:
        """Return the responses page by page."""


class PagedClient(Protocol):
    """Client of any service, with paginated operations."""

    def get_paginator(self, *_: Any, **operation: Any) -> Pages:
        """Return the paginator of an operation."""


class ItemErrors(Protocol):
    """Exceptions of a DynamoDB client."""

    @property
    def ConditionalCheckFailedException(self) -> type[ClientError]:  # noqa: N802  # DynamoDB's name
        """Exception of a write whose condition fails."""


class S3Client(PagedClient, Protocol):
    """Client of S3."""

    @property
    def exceptions(self) -> Any: ...

    def get_object(self, *_: Any, **request: Any) -> Response: ...

    def put_object(self, *_: Any, **request: Any) -> Response: ...

    def head_object(self, *_: Any, **request: Any) -> Response: ...

    def head_bucket(self, *_: Any, **request: Any) -> Response: ...

    def copy_object(self, *_: Any, **request: Any) -> Response: ...

    def delete_object(self, *_: Any, **request: Any) -> Response: ...

    def delete_objects(self, *_: Any, **request: Any) -> Response: ...

    def list_objects_v2(self, *_: Any, **request: Any) -> Response: ...


class DynamoDbClient(PagedClient, Protocol):
    """Client of DynamoDB."""

    @property
    def meta(self) -> Any: ...

    @property
    def exceptions(self) -> ItemErrors: ...

    def get_item(self, *_: Any, **request: Any) -> Response: ...

    def put_item(self, *_: Any, **request: Any) -> Response: ...

    def update_item(self, *_: Any, **request: Any) -> Response: ...

    def delete_item(self, *_: Any, **request: Any) -> Response: ...

    def query(self, *_: Any, **request: Any) -> Response: ...

    def scan(self, *_: Any, **request: Any) -> Response: ...

    def batch_get_item(self, *_: Any, **request: Any) -> Response: ...

    def batch_write_item(self, *_: Any, **request: Any) -> Response: ...

    def describe_table(self, *_: Any, **request: Any) -> Response: ...


class StepFunctionsClient(PagedClient, Protocol):
    """Client of Step Functions."""

    def start_execution(self, *_: Any, **request: Any) -> Response: ...

    def get_execution_history(self, *_: Any, **request: Any) -> Response: ...

    def describe_execution(self, *_: Any, **request: Any) -> Response: ...

    def list_executions(self, *_: Any, **request: Any) -> Response: ...


class SageMakerClient(PagedClient, Protocol):
    """Client of SageMaker."""

    def create_model_package(self, *_: Any, **request: Any) -> Response: ...

    def update_model_package(self, *_: Any, **request: Any) -> Response: ...

    def describe_model_package(self, *_: Any, **request: Any) -> Response: ...


class LambdaClient(Protocol):
    """Client of Lambda."""

    def invoke(self, *_: Any, **request: Any) -> Response: ...


class SecretsManagerClient(Protocol):
    """Client of Secrets Manager."""

    def __hash__(self) -> int: ...

    @property
    def exceptions(self) -> Any: ...

    def get_secret_value(self, *_: Any, **request: Any) -> Response: ...


class KinesisClient(Protocol):
    """Client of Kinesis."""

    def put_records(self, *_: Any, **request: Any) -> Response: ...


class KmsClient(Protocol):
    """Client of KMS."""

    def encrypt(self, *_: Any, **request: Any) -> Response: ...

    def decrypt(self, *_: Any, **request: Any) -> Response: ...


class LogsClient(PagedClient, Protocol):
    """Client of CloudWatch Logs."""

    def describe_log_streams(self, *_: Any, **request: Any) -> Response: ...

    def get_log_events(self, *_: Any, **request: Any) -> Response: ...


class ParameterClient(PagedClient, Protocol):
    """Client of Systems Manager's parameters."""

    @property
    def meta(self) -> Any: ...


class EventSourceClient(Protocol):
    """Client of Lambda that reads event source mappings."""

    def get_event_source_mapping(self, *_: Any, **request: Any) -> Response: ...


class CloudFormationClient(PagedClient, Protocol):
    """Client of CloudFormation."""

    def get_template(self, *_: Any, **request: Any) -> Response: ...

    def delete_stack(self, *_: Any, **request: Any) -> Response: ...

    def describe_stacks(self, *_: Any, **request: Any) -> Response: ...

    def get_waiter(self, *_: Any, **request: Any) -> Any: ...

"""Protocols of the S3 and DynamoDB operations that stores call. A fake client needs only its store's operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from botocore.exceptions import ClientError

Response = dict[str, Any]


class Pages(Protocol):
    """Paginator of one operation."""

    def paginate(self, *_: Any, **request: Any) -> Iterable[Response]:
        """Return the responses page by page."""


class PagedClient(Protocol):
    """Client with paginated operations."""

    def get_paginator(self, *_: Any, **operation: Any) -> Pages:
        """Return the paginator of an operation."""


class ObjectReader(Protocol):
    """S3 client that reads objects."""

    def get_object(self, *_: Any, **request: Any) -> Response:
        """Return an object with its ETag."""


class ObjectClient(ObjectReader, Protocol):
    """S3 client that reads and conditionally writes objects."""

    def put_object(self, *_: Any, **request: Any) -> Response:
        """Write an object and return its ETag."""


class RegistryClient(ObjectClient, Protocol):
    """S3 client that also checks if objects exist."""

    def head_object(self, *_: Any, **request: Any) -> Response:
        """Return the metadata of an object."""


class ObjectLister(ObjectReader, PagedClient, Protocol):
    """S3 client that lists and reads objects."""


class TombstoneClient(ObjectLister, ObjectClient, Protocol):
    """S3 client that reads, lists and conditionally writes objects."""


class ItemErrors(Protocol):
    """Exceptions of a DynamoDB client."""

    @property
    def ConditionalCheckFailedException(self) -> type[ClientError]:  # noqa: N802  # DynamoDB's name
        """Exception of a write whose condition fails."""


class ItemReader(Protocol):
    """DynamoDB client that reads items."""

    def get_item(self, *_: Any, **request: Any) -> Response:
        """Return an item, or a response without an item."""


class ItemWriter(ItemReader, PagedClient, Protocol):
    """DynamoDB client that reads, scans and conditionally writes items."""

    @property
    def exceptions(self) -> ItemErrors:
        """Return the client's exceptions."""

    def put_item(self, *_: Any, **request: Any) -> Response:
        """Write an item, if its condition is met."""


class RowClient(ItemWriter, Protocol):
    """DynamoDB client for tables of items and users."""

    def batch_write_item(self, *_: Any, **request: Any) -> Response:
        """Write several items, and return the items that were not written."""

    def scan(self, *_: Any, **request: Any) -> Response:
        """Return one page of items."""


class ProfileClient(ItemWriter, Protocol):
    """DynamoDB client for the table of profiles."""

    def query(self, *_: Any, **request: Any) -> Response:
        """Return a page of a partition's items."""

    def batch_get_item(self, *_: Any, **request: Any) -> Response:
        """Return several items, and the keys that were not read."""

    def batch_write_item(self, *_: Any, **request: Any) -> Response:
        """Write and delete several items, and return the requests that were not processed."""


class ItemRemover(ProfileClient, Protocol):
    """DynamoDB client that deletes profiles and other items."""

    def delete_item(self, *_: Any, **request: Any) -> Response:
        """Delete an item."""

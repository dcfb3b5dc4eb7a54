"""The S3 operations that stores call. Botocore's client has them all; a fake needs only those of its store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

Response = dict[str, Any]


class Pages(Protocol):
    """A paginator of one operation."""

    def paginate(self, *_: Any, **request: Any) -> Iterable[Response]:
        """Return the responses page by page."""


class PagedClient(Protocol):
    """A client whose operations can be read page by page."""

    def get_paginator(self, *_: Any, **operation: Any) -> Pages:
        """Return the paginator of an operation."""


class ObjectReader(Protocol):
    """An S3 client that reads objects."""

    def get_object(self, *_: Any, **request: Any) -> Response:
        """Return an object with its ETag."""


class ObjectClient(ObjectReader, Protocol):
    """An S3 client that reads and conditionally writes objects."""

    def put_object(self, *_: Any, **request: Any) -> Response:
        """Write an object and return its ETag."""


class RegistryClient(ObjectClient, Protocol):
    """An S3 client that also checks that objects exist."""

    def head_object(self, *_: Any, **request: Any) -> Response:
        """Return the description of an object."""


class ObjectLister(ObjectReader, PagedClient, Protocol):
    """An S3 client that lists and reads objects."""

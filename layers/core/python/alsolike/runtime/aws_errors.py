"""Translation of errors of AWS clients, and S3's error codes."""

from __future__ import annotations

import contextlib
from types import TracebackType

from alsolike.runtime.errors import Unavailable

MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
"""Error codes of a missing object."""
NOT_MODIFIED = frozenset({"304", "NotModified"})
"""Error codes of a read with IfNoneMatch if the object has this ETag."""
CONDITION_FAILED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
"""Error codes of a failed condition: an ETag other than IfMatch, an existing object, or a concurrent write."""


def translate_aws_errors(place: str, *, also: type[Exception] | None = None) -> contextlib.AbstractContextManager[None]:
    """Return a context manager that translates errors of AWS clients, and of the class `also`, to `Unavailable`."""
    return _Translation(place, also)


class _Translation(contextlib.AbstractContextManager[None]):
    __slots__ = ("_also", "_place")

    def __init__(self, place: str, also: type[Exception] | None) -> None:
        self._place, self._also = place, also

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            return
        from botocore import exceptions  # Slow import that is needed only for errors.

        if isinstance(error, exceptions.ClientError):
            raise Unavailable(f"{self._place}: {error}", code=error.response["Error"]["Code"]) from error
        if isinstance(error, exceptions.BotoCoreError) or (self._also is not None and isinstance(error, self._also)):
            timeouts = (
                exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError, exceptions.ReadTimeoutError
            )  # fmt: skip
            is_timeout = isinstance(error, timeouts)
            raise Unavailable(f"{self._place}: {error}", is_timeout=is_timeout) from error

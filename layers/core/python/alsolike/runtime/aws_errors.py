"""The single translation of an AWS client's errors, and the names of S3's error codes."""

from __future__ import annotations

import contextlib
from types import TracebackType

from alsolike.runtime.errors import Unavailable

MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
"""There is no such object."""
NOT_MODIFIED = frozenset({"304", "NotModified"})
"""The object still has the ETag of IfNoneMatch."""
CONDITION_FAILED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
"""The object does not have the ETag of IfMatch, or exists despite IfNoneMatch, or another write is in progress."""


def translate_aws_errors(place: str, *, also: type[Exception] | None = None) -> contextlib.AbstractContextManager[None]:
    """Raise `Unavailable` for an AWS client's errors, with the place of the request and AWS's error code.

    Parameters
    ----------
    also
        Another class of errors to translate, such as OSError.
    """
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
        from botocore import exceptions  # slow import that commands without requests skip

        if isinstance(error, exceptions.ClientError):
            raise Unavailable(f"{self._place}: {error}", code=error.response["Error"]["Code"]) from error
        if isinstance(error, exceptions.BotoCoreError) or (self._also is not None and isinstance(error, self._also)):
            timeouts = (
                exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError, exceptions.ReadTimeoutError
            )  # fmt: skip
            is_timeout = isinstance(error, timeouts)
            raise Unavailable(f"{self._place}: {error}", is_timeout=is_timeout) from error

"""Translation of errors of AWS clients, and S3's error codes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from alsolike.runtime.errors import Unavailable

MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
"""Error codes of a missing object."""
NOT_MODIFIED = frozenset({"304", "NotModified"})
"""Error codes of a read with IfNoneMatch if the object has this ETag."""
CONDITION_FAILED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
"""Error codes of a failed condition: an ETag other than IfMatch, an existing object, or a concurrent write."""


@contextlib.contextmanager
def translate_aws_errors(place: str, *, also: type[Exception] | None = None) -> Iterator[None]:
    """Raise `Unavailable` instead of errors of AWS clients and errors of the class `also`."""
    try:
        yield
    except Exception as error:
        from botocore import exceptions  # Slow import that is needed only for errors.

        if isinstance(error, exceptions.ClientError):
            raise Unavailable(f"{place}: {error}", code=error.response["Error"]["Code"]) from error
        if isinstance(error, exceptions.BotoCoreError) or (also is not None and isinstance(error, also)):
            timeouts = (
                exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError, exceptions.ReadTimeoutError
            )  # fmt: skip
            raise Unavailable(f"{place}: {error}", is_timeout=isinstance(error, timeouts)) from error
        raise

"""Error classes of Alsolike."""

from __future__ import annotations


class AlsolikeError(Exception):
    """Base class of Alsolike's own errors."""


class InvalidInput(AlsolikeError):
    """A request, record or file is invalid. The sender must change it."""


class UnknownEventType(InvalidInput):
    """The event type is not declared in the current configuration. A later configuration may declare it."""


class InvalidFilter(InvalidInput):
    """A filter expression is invalid. `offset` is the position of the error in characters, from 0."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class WrongSignature(InvalidInput):
    """The signature of a token matches none of the known keys. It may match a newer key."""


class PersonalizeError(AlsolikeError):
    """Error in the format of Amazon Personalize. `code` is the name of Personalize's exception."""

    status = 400

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SignatureRefused(PersonalizeError):
    """The signature, the time or the key of a request is invalid, or the key lacks the scope for the route."""

    status = 403


class Forbidden(AlsolikeError):
    """The caller is known, but may not make this change."""


class NotFound(AlsolikeError):
    """The requested resource does not exist in this deployment."""


class TooLarge(AlsolikeError):
    """The response exceeds the size limit of its channel. The caller must use another channel."""


class Unavailable(AlsolikeError):
    """A service that Alsolike depends on did not respond, or rejected the request. The same call may succeed later.

    `code` is the error code of an AWS service that rejected the request, or empty if there was no response.
    `is_timeout` is true if the service did not respond in time or was unreachable.
    """

    def __init__(self, message: str = "", *, code: str = "", is_timeout: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_timeout = is_timeout


class ConcurrentUpdate(AlsolikeError):
    """Another process has changed the object since the read, or runs the same operation."""


class InvalidBundle(AlsolikeError):
    """A model bundle is incomplete, corrupt, or in a format that this version does not support."""


class InvalidSnapshot(AlsolikeError):
    """A part of the catalogue snapshot is missing, corrupt, or in a format that this version does not support."""


class InvalidTrends(AlsolikeError):
    """An object of trend counters is corrupt, or in a format that this version does not support."""


class DaysFailed(AlsolikeError):
    """The computation failed for some days of a table and succeeded for all other days."""


class InvalidDataset(AlsolikeError):
    """A dataset is incomplete, unreadable or too small for training."""


class MissingSetting(AlsolikeError):
    """An environment variable or secret is missing or invalid."""

"""The error classes of Alsolike."""

from __future__ import annotations


class AlsolikeError(Exception):
    """Base class of all errors that Alsolike raises deliberately."""


class InvalidInput(AlsolikeError):
    """A request, record or file is invalid; the sender has to change it."""


class UnknownEventType(InvalidInput):
    """The event type is not declared in the current configuration; a later configuration may declare it."""


class InvalidFilter(InvalidInput):
    """A filter expression is invalid; `offset` is the character position of the error, from 0."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class WrongSignature(InvalidInput):
    """The signature of a token matches none of the known keys; it may match a newer key."""


class PersonalizeError(AlsolikeError):
    """An error in the format of Amazon Personalize; `code` is the name of Personalize's exception."""

    status = 400

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SignatureRefused(PersonalizeError):
    """The signature of a request is missing or wrong, or its key lacks the scope for the route."""

    status = 403


class Forbidden(AlsolikeError):
    """The caller is known, but may not make this change."""


class NotFound(AlsolikeError):
    """The requested resource does not exist in this deployment."""


class TooLarge(AlsolikeError):
    """The response exceeds the size limit of its channel; the caller must use another channel."""


class Unavailable(AlsolikeError):
    """A service that Alsolike depends on did not answer; the same call may succeed later.

    All functions that call AWS may raise this error; docstrings list it only for other reasons.
    `code` is the error code of an AWS service that rejected the request; empty without a response. `is_timeout` is true
    if the service did not respond in time or was unreachable.
    """

    def __init__(self, message: str = "", *, code: str = "", is_timeout: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_timeout = is_timeout


class ConcurrentUpdate(AlsolikeError):
    """Another process changed the object between the read and the write."""


class InvalidBundle(AlsolikeError):
    """A model bundle is incomplete, corrupt, or in a format that this version does not support."""


class InvalidSnapshot(AlsolikeError):
    """A part of the catalogue snapshot is missing, corrupt, or in a format that this version does not support."""


class InvalidTrends(AlsolikeError):
    """An object of trend counters is corrupt, or in a format that this version does not support."""


class DaysFailed(AlsolikeError):
    """The computation failed for some days of a table, and succeeded for all other days."""


class InvalidDataset(AlsolikeError):
    """A dataset lacks a file or column, or is too small for training."""


class MissingSetting(AlsolikeError):
    """A required environment variable is not set or invalid."""

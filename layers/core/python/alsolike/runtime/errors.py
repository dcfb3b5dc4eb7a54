"""The error classes, one sentence each."""

from __future__ import annotations


class AlsolikeError(Exception):
    """Base of every error that Alsolike raises on purpose."""


class InvalidInput(AlsolikeError):
    """A request, record or file breaks its contract; the sender has to change it."""


class UnknownEventType(InvalidInput):
    """An event's type is not declared in the configuration that was read; a later one may declare it."""


class InvalidFilter(InvalidInput):
    """A filter expression cannot be read; `offset` is the character at which, from 0."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class WrongSignature(InvalidInput):
    """A token is signed with none of the known keys; a newer one may have signed it."""


class PersonalizeError(AlsolikeError):
    """An error of Amazon Personalize; `code` is its name there."""

    status = 400

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SignatureRefused(PersonalizeError):
    """A request's signature is missing, wrong, or made with a key that may not call the route."""

    status = 403


class NotFound(AlsolikeError):
    """The request names a resource that this deployment does not have."""


class TooLarge(AlsolikeError):
    """The response exceeds the size limit of its channel; the caller must use another one."""


class Unavailable(AlsolikeError):
    """A service that Alsolike depends on did not answer; the same call may work later.

    Each function that calls AWS may raise it; docstrings name it only where it has another reason.

    `code` is the error code of an AWS service that rejected the request; empty if there was no response. `is_timeout`
    is true if the service did not respond in time or could not be reached.
    """

    def __init__(self, message: str = "", *, code: str = "", is_timeout: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_timeout = is_timeout


class ConcurrentUpdate(AlsolikeError):
    """Another caller changed the object between reading and writing it."""


class InvalidBundle(AlsolikeError):
    """A model bundle is incomplete, corrupt, or of a format that this version cannot serve."""


class InvalidSnapshot(AlsolikeError):
    """A part of the catalogue snapshot is missing, corrupt, or of a format that this version cannot read."""


class InvalidTrends(AlsolikeError):
    """An object of trend counters is corrupt, or of a format that this version cannot read."""


class DaysFailed(AlsolikeError):
    """Some days of a table could not be computed; the others were."""


class InvalidDataset(AlsolikeError):
    """A dataset is missing a file or column, or is too small to train on."""


class MissingSetting(AlsolikeError):
    """An environment variable that a function needs is not set or has the wrong form."""

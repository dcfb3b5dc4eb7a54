"""The current configuration for functions: one S3 object that is polled and cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.config import document as configuration_document
from alsolike.config.document import EMPTY_DOCUMENT
from alsolike.contract.document import Fault, InvalidConfiguration
from alsolike.declarations.storage import CONFIGURATION_KEY
from alsolike.domain.configuration import DEFAULT, Configuration
from alsolike.runtime.clients import ObjectReader
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import UNCHANGED, S3Object
from alsolike.runtime.struct import struct


@struct
class Current:
    """The current version and its document.

    Attributes
    ----------
    versions
        All applied versions, the oldest first; the last one is current.
    etag
        Of the stored object, None before there is one; the condition of a write.
    """

    versions: tuple[int, ...]
    document: Mapping[str, Any]
    etag: str | None

    @property
    def version(self) -> int:
        """The version that holds."""
        return self.versions[-1] if self.versions else 0

    def configuration(self) -> Configuration:
        """Return the version's configuration.

        Raises
        ------
        InvalidConfiguration
            If this version of the code cannot read it.
        """
        if not self.versions:
            return DEFAULT
        return configuration_document.parse(self.document, version=self.version, check_filters=False)


NOTHING_APPLIED = Current((), EMPTY_DOCUMENT, None)


class ConfigurationReader:
    """A cached configuration for functions, read on the first call and refreshed on the first one after `check_s`.

    Parameters
    ----------
    client
        A low-level S3 client.
    bucket
        The artefact bucket.

    Attributes
    ----------
    stale
        True if the last read failed, so that an earlier configuration is used.
    """

    def __init__(self, client: ObjectReader, bucket: str, *, check_s: float = 30) -> None:
        self._client = client
        self._bucket = bucket
        self._check_ms = check_s * 1000
        self._next_check_ms = 0.0
        self._read: Current | None = None
        self._configuration = DEFAULT
        self.stale = False

    def is_due(self, *, now_ms: int) -> bool:
        """Return true if `current` would read the object again."""
        return now_ms >= self._next_check_ms

    def current(self, *, now_ms: int) -> Configuration:
        """Return the configuration, or the previous one if a read fails or the object is unreadable.

        Raises
        ------
        Unavailable
            If there is none yet.
        """
        return self._configuration if now_ms < self._next_check_ms else self.refresh(now_ms=now_ms)

    def refresh(self, *, now_ms: int) -> Configuration:
        """Read the object now, and return the result of `current`.

        Raises
        ------
        Unavailable
            If S3 does not answer or the object is unreadable, and there is no earlier configuration.
        """
        try:
            found = read_current(self._client, self._bucket, known=self._read)
            if found is not self._read:
                self._configuration, self._read = found.configuration(), found
                logger.info("configuration read", version=found.version)
            self.stale = False
        except (Unavailable, InvalidConfiguration) as error:
            if self._read is None:
                raise Unavailable(f"no configuration can be read: {error}") from error
            self.stale = True
            logger.error("configuration cannot be read", reason=str(error), version=self._read.version)
        self._next_check_ms = now_ms + self._check_ms
        return self._configuration


def read_current(client: ObjectReader, bucket: str, *, known: Current | None = None) -> Current:
    """Return the current configuration.

    Parameters
    ----------
    client
        A low-level S3 client.
    known
        The earlier value, returned itself if it has not changed.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    InvalidConfiguration
        If the object is unreadable.
    """
    stored = S3Object(client, bucket, CONFIGURATION_KEY)
    content = stored.read_if_changed(known.etag if known else None)
    if content is None:
        return NOTHING_APPLIED
    if content is UNCHANGED:
        assert known is not None  # only a known object can be unchanged
        return known
    try:
        pointer = orjson.loads(content.body)
        return Current(tuple(pointer["versions"]), pointer["document"], content.etag)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidConfiguration([Fault((), f"{stored.uri} is unreadable: {error}")]) from error

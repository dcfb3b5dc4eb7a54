"""Reader of the current configuration, which functions poll in S3 and cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.configuration_document import document as configuration_document
from alsolike.configuration_document.client_resources import NO_NAMES, OwnNames
from alsolike.configuration_document.document import EMPTY_DOCUMENT
from alsolike.declarations.storage import CONFIGURATION_KEY, OWN_NAMES_KEY
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.observability import logger
from alsolike.runtime.polling import EVERY_30_S, NO_DEFAULT, PolledValue, Polling
from alsolike.runtime.s3 import UNCHANGED, S3Object
from alsolike.runtime.struct import struct
from alsolike.schema.document import Fault, InvalidConfiguration


@struct
class Current:
    """Current version of the configuration and its document.

    Attributes
    ----------
    versions
        All applied versions in ascending order. The last version is current.
    etag
        ETag of the stored object, for conditional writes, or None if there is no object.
    """

    versions: tuple[int, ...]
    document: Mapping[str, Any]
    etag: str | None

    @property
    def version(self) -> int:
        return self.versions[-1] if self.versions else 0

    def configuration(self) -> Configuration:
        if not self.versions:
            return DEFAULT
        return configuration_document.parse(self.document, version=self.version, check_filters=False)


NOTHING_APPLIED = Current((), EMPTY_DOCUMENT, None)


class ConfigurationReader(PolledValue[Configuration]):
    """Polled configuration. If `own_names` is true, it includes the `OwnNames` of Amazon Personalize's clients."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        *,
        polling: Polling = EVERY_30_S,
        default: Configuration = NO_DEFAULT,
        own_names: bool = False,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._known: Current | None = None
        self._own_names = S3Object(client, bucket, OWN_NAMES_KEY) if own_names else None
        self._names = NO_NAMES
        self._configuration = DEFAULT
        super().__init__(self._read_configuration, name="configuration", polling=polling, default=default)

    def _read_configuration(self, _: Callable[[], float]) -> Configuration:
        current = read_current(self._client, self._bucket, known=self._known)
        names = self._read_names()
        if current is not self._known or names is not self._names:
            self._configuration = names.added_to(current.configuration())
            self._known, self._names = current, names
            logger.info("configuration read", version=current.version, own_names=len(names.aliases))
        return self._configuration

    def _read_names(self) -> OwnNames:
        if self._own_names is None:
            return NO_NAMES
        content = self._own_names.read_if_changed(self._names.etag)
        if content is UNCHANGED:
            return self._names
        return NO_NAMES if content is None else OwnNames.from_json(content.body, etag=content.etag)


def read_current(client: S3Client, bucket: str, *, known: Current | None = None) -> Current:
    """Return the current version and document, or `known` if the object has not changed."""
    stored = S3Object(client, bucket, CONFIGURATION_KEY)
    content = stored.read_if_changed(known.etag if known else None)
    if content is None:
        return NOTHING_APPLIED
    if content is UNCHANGED:
        assert known is not None  # S3 reports an unchanged object only for a known ETag.
        return known
    try:
        pointer = orjson.loads(content.body)
        return Current(tuple(pointer["versions"]), pointer["document"], content.etag)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidConfiguration([Fault((), f"{stored.uri} is unreadable: {error}")]) from error

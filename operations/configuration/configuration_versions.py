"""Store of the configuration: immutable versions, and one object that points to the current version."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document import document as configuration_document
from alsolike.configuration_document.document import EMPTY_DOCUMENT
from alsolike.configuration_document.reader import Current, read_current
from alsolike.declarations.storage import CONFIGURATION_KEY, CONFIGURATION_VERSIONS_PREFIX
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import NotFound, Unavailable
from alsolike.runtime.s3 import S3Object
from alsolike.schema.document import InvalidConfiguration

_MAX_ORPHANS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """Applied version of the configuration.

    `text` is the document as its author wrote it, or empty if only the document was passed. `restores` is the version
    that a rollback restored.
    """

    version: int
    applied_ms: int
    by: str
    reason: str
    text: str
    document: Mapping[str, Any]
    restores: int | None = None


BUILT_IN = Version(0, 0, "", "built in", "", EMPTY_DOCUMENT)
"""Version 0, which is current until a version is applied."""


def version_key(version: int) -> str:
    return f"{CONFIGURATION_VERSIONS_PREFIX}{version:08d}.json"


class ConfigurationStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def current(self) -> Current:
        return read_current(self._client, self._bucket)

    def version(self, version: int) -> Version:
        return self._applied(version, self.current())

    def history(self, *, limit: int) -> list[Version]:
        """Return up to `limit` applied versions, latest first."""
        return [self._read(version) for version in self.current().versions[: -limit - 1 : -1]]

    def apply(
        self, expected: Current, document: Mapping[str, Any], *, text: str, by: str, reason: str, now_ms: int
    ) -> Current:
        """Apply a document, or raise `ConcurrentUpdate` if `expected` is no longer the current version.

        A document with the same values as `expected` creates no version, even if `expected` is no longer current.
        """
        if configuration_document.parse(document, version=expected.version) == _understood(expected):
            return expected
        return self._write(expected, Version(0, now_ms, by, reason, text, document))

    def roll_back(self, expected: Current, *, to: int | None = None, by: str, reason: str, now_ms: int) -> Current:
        """Apply an earlier version again, under a new number.

        The default is the version before the current one. If the current version is itself a rollback, the default is
        the version before the restored one, so repeated rollbacks go back further.
        """
        earlier = self._applied(self._before(expected) if to is None else to, expected)
        configuration_document.parse(earlier.document)
        restored = Version(0, now_ms, by, reason, earlier.text, earlier.document, restores=earlier.version)
        return self._write(expected, restored)

    def _before(self, current: Current) -> int:
        version = current.version
        while version and (restores := self._read(version).restores) is not None:
            version = restores
        if version == 0:
            raise NotFound("there is no earlier configuration to roll back to")
        place = current.versions.index(version)
        return current.versions[place - 1] if place else 0

    def _applied(self, version: int, current: Current) -> Version:
        if version == 0:
            return BUILT_IN
        if version not in current.versions:
            known = f"the latest is {current.version}" if current.versions else "no version has been applied"
            raise NotFound(f"configuration version {version} was never applied; {known}")
        return self._read(version)

    def _read(self, version: int) -> Version:
        stored = S3Object(self._client, self._bucket, version_key(version))
        if (content := stored.read()) is None:
            raise Unavailable(f"{stored.uri} does not exist")
        return Version(**orjson.loads(content.body))

    def _write(self, expected: Current, version: Version) -> Current:
        number = expected.version
        for _ in range(_MAX_ORPHANS):  # Skip the numbers of versions that were written but never applied.
            number += 1
            written = dataclasses.replace(version, version=number)
            if S3Object(self._client, self._bucket, version_key(number)).create(_json(written)):
                break
        else:
            raise Unavailable(f"s3://{self._bucket}/{version_key(expected.version + 1)} and the following keys exist")
        versions = (*expected.versions, number)
        pointer = {"version": number, "versions": versions, "document": version.document}
        etag = S3Object(self._client, self._bucket, CONFIGURATION_KEY).replace(
            _json(pointer),
            etag=expected.etag,
            conflict="the configuration changed meanwhile; check the current version, then try again",
        )
        return Current(versions, version.document, etag)


def _json(content: object) -> bytes:
    return orjson.dumps(content, default=dict, option=orjson.OPT_INDENT_2)


def _understood(current: Current) -> Configuration | None:
    """Return the current configuration, or None if this code cannot parse it."""
    try:
        return current.configuration()
    except InvalidConfiguration:
        return None

"""Route GET /openapi.json, which describes the API under the current configuration."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.runtime.http import is_current, not_modified, respond_json
from functions.collect.request import CollectRequest

CACHE_CONTROL = "private, max-age=60"


class Description:
    """OpenAPI description, built once per configuration version."""

    def __init__(self, configuration: ConfigurationReader) -> None:
        self._configuration = configuration
        self._made: tuple[int, bytes, str] | None = None

    def get(self, request: CollectRequest) -> dict[str, Any]:
        """Return the description, or 304 if the client has the current one."""
        document, etag = self._current(self._configuration.current(now_ms=request.now_ms))
        headers = {"etag": etag, "cache-control": CACHE_CONTROL}
        if is_current(request.event, etag):
            return not_modified(headers)
        return respond_json(document, headers=headers)

    def _current(self, configuration: Configuration) -> tuple[bytes, str]:
        if self._made is None or self._made[0] != configuration.version:
            from alsolike.api.openapi import description  # Slow import, which no other route requires.

            document = orjson.dumps(description(configuration))
            self._made = configuration.version, document, f'"{hashlib.blake2b(document, digest_size=12).hexdigest()}"'
        return self._made[1:]

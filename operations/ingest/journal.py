"""Journal of an import's finished steps.

It is stored in the artefact bucket, so that any machine can resume the import.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from alsolike.declarations.storage import IMPORTS_PREFIX
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import S3Object

FORMAT_VERSION = 1
_FIELDS = frozenset({"options", "started_ms", "steps", "finished"})
_SMALL_STEPS_EVERY_S = 2.0


class Journal:
    """Record of an import's finished steps.

    A step is recorded after all its data is stored. Steps are idempotent, so an interrupted import repeats unrecorded
    steps. Steps that were recorded with other options are ignored.

    `started_ms` is the time of the first start, so that a resumed import writes the same bytes as an uninterrupted one.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        name: str,
        *,
        options: Mapping[str, Any],
        now_ms: int,
        read_only: bool = False,
    ) -> None:
        self.key = f"{IMPORTS_PREFIX}{name}.json"
        self._object = S3Object(client, bucket, self.key)
        self._options = orjson.loads(orjson.dumps(options))
        self._steps: dict[str, int] = {}
        self._written_s = float("-inf")
        self.started_ms = now_ms
        self.finished: Mapping[str, Any] | None = None
        self._read_only = read_only
        self.other_options: Mapping[str, Any] = {}
        if (document := self._read()) is not None:
            self._steps = document["steps"]
            self.started_ms = document["started_ms"]
            self.finished = document["finished"]

    @property
    def is_begun(self) -> bool:
        return bool(self._steps)

    def counted(self, step: str) -> int | None:
        return self._steps.get(step)

    def record(self, step: str, count: int, *, small: bool = False) -> None:
        """Record a finished step with its count. Several `small` steps may share one write to S3."""
        self._steps[step] = count
        if not small or time.monotonic() - self._written_s > _SMALL_STEPS_EVERY_S:
            self._write()

    def finish(self, summary: Mapping[str, Any]) -> None:
        self.finished = summary
        self._steps = {}
        self._write()

    def forget(self) -> None:
        if self._read_only:
            return
        self._object.delete()

    def restart(self, now_ms: int) -> None:
        """Discard all steps and the summary. The next write stores the change."""
        self._steps, self.started_ms, self.finished = {}, now_ms, None

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Write the journal at the start of the context and on Ctrl-C."""
        self._write()
        try:
            yield
        except KeyboardInterrupt:
            self._write()
            raise

    def _read(self) -> dict[str, Any] | None:
        # Without a readable journal, the import repeats all steps. This is safe, because steps are idempotent.
        if (stored := self._object.read()) is None or (document := parsed(stored.body)) is None:
            return None
        if document["options"] != self._options:
            self.other_options = document["options"]
            return None
        return document

    def _write(self) -> None:
        if self._read_only:
            return
        document = {
            "format_version": FORMAT_VERSION,
            "options": self._options,
            "started_ms": self.started_ms,
            "steps": self._steps,
            "finished": self.finished,
        }
        self._object.write(orjson.dumps(document))
        self._written_s = time.monotonic()


def parsed(body: bytes) -> dict[str, Any] | None:
    """Return a stored journal's document, or None if it is damaged or has another format version."""
    try:
        document: dict[str, Any] = orjson.loads(body)
        is_known = document["format_version"] == FORMAT_VERSION and document.keys() >= _FIELDS
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return document if is_known else None


def name_of_rows(list_field: str, content_id: str) -> str:
    return f"{list_field}-{content_id}"


def name_of(content_ids: Sequence[str]) -> str:
    """Return a name for a set of content IDs, independent of the order."""
    return hashlib.blake2b(" ".join(sorted(content_ids)).encode(), digest_size=8).hexdigest()

"""Journal of an import's finished steps, kept in the artefact bucket so that a later run resumes from any machine."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from alsolike.declarations.storage import IMPORTS_PREFIX
from alsolike.runtime.s3 import S3Object

FORMAT_VERSION = 1
_SMALL_STEPS_EVERY_S = 2.0


class Journal:
    """The steps of one piece of an import.

    A step is recorded after everything in it is stored, and doing it again changes nothing: what a killed run did
    and did not record is merely done again.

    Parameters
    ----------
    name
        Stands for the content that is imported.
    options
        Whatever decides how the content is read. Steps that were done with other options count for nothing.
    now_ms
        When the import starts, if it was not started before.
    read_only
        Whether nothing is kept of what is recorded.

    Attributes
    ----------
    started_ms
        When it was started first: what a continued import writes is the same, to the byte, as an uninterrupted one's.
    finished
        What the whole of it came to, None before that.
    other_options
        Those of an earlier import of the same content, where they differ.
    """

    def __init__(
        self,
        client: Any,
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
        """True if some steps are done."""
        return bool(self._steps)

    def counted(self, step: str) -> int | None:
        """Return the count that a step was recorded with, None if it was not."""
        return self._steps.get(step)

    def record(self, step: str, count: int, *, small: bool = False) -> None:
        """Record a step that is done, with what it counts.

        Parameters
        ----------
        small
            Whether it is done again so fast that several of them may be recorded at once.

        Raises
        ------
        Unavailable
            If S3 does not take it in.
        """
        self._steps[step] = count
        if not small or time.monotonic() - self._written_s > _SMALL_STEPS_EVERY_S:
            self._write()

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Record that everything is done."""
        self.finished = summary
        self._steps = {}
        self._write()

    def forget(self) -> None:
        """Remove the journal."""
        if self._read_only:
            return
        self._object.delete()

    def restart(self, now_ms: int) -> None:
        """Forget all steps and restart from the beginning."""
        self._steps, self.started_ms, self.finished = {}, now_ms, None

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Write that the work within is begun, and what was recorded lately when it is stopped."""
        self._write()
        try:
            yield
        except KeyboardInterrupt:
            self._write()
            raise

    def _read(self) -> dict[str, Any] | None:
        if (stored := self._object.read()) is None:
            return None
        try:
            document: dict[str, Any] = orjson.loads(stored.body)
            if document["format_version"] != FORMAT_VERSION:
                return None
            options: Mapping[str, Any] = document["options"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None  # then the import is done from its start, which changes nothing that is there
        if options != self._options:
            self.other_options = options
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


def name_of(content_ids: Sequence[str]) -> str:
    """Return a name that stands for several contents, in whatever order."""
    return hashlib.blake2b(" ".join(sorted(content_ids)).encode(), digest_size=8).hexdigest()

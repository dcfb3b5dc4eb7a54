"""Manifest of the catalogue snapshot, which lists the current segments."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import orjson

from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.storage import SEGMENTS_PREFIX, SNAPSHOT_KEY
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.runtime.struct import struct

FORMAT_VERSION = 1


@struct
class SegmentEntry:
    """Object of a segment or of cold items. `rows` includes deletions."""

    key: str
    rows: int
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        return self.key.removeprefix(SEGMENTS_PREFIX)


@struct
class Retired:
    """Replaced object with the time of the replacement. It is deleted later, because readers may be downloading it."""

    key: str
    retired_ms: int


@struct
class Manifest:
    """Content of a snapshot.

    Attributes
    ----------
    columns
        Declared columns. All segments have the same columns.
    configuration_version
        Version of the configuration that declares the columns. Publishers with an earlier configuration keep the
        columns.
    cold, cold_model
        File of `cold_items.ColdItems`, and the version of the champion to which the items are cold. None and "" before
        the first file.
    """

    segments: tuple[SegmentEntry, ...] = ()
    columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    retired: tuple[Retired, ...] = ()
    published_ms: int = 0
    configuration_version: int = 0
    cold: SegmentEntry | None = None
    cold_model: str = ""

    @property
    def files(self) -> tuple[SegmentEntry, ...]:
        return self.segments if self.cold is None else (*self.segments, self.cold)

    @property
    def version(self) -> str:
        """Identifier of the content, derived from the files and the champion of the cold items."""
        if not self.files:
            return ""
        digests = "".join(sorted(entry.sha256 for entry in self.files))
        return hashlib.sha256((digests + self.cold_model).encode()).hexdigest()[:16]

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.files)

    def to_json(self) -> bytes:
        document = {
            "format_version": FORMAT_VERSION,
            "version": self.version,
            "published_ms": self.published_ms,
            "columns": dict(self.columns),
            "configuration_version": self.configuration_version,
            "segments": self.segments,
            "retired": self.retired,
            "cold": self.cold,
            "cold_model": self.cold_model,
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        try:
            document = orjson.loads(data)
            if document["format_version"] != FORMAT_VERSION:
                raise ValueError(f"format_version {document['format_version']!r}, expected {FORMAT_VERSION}")
            return cls(
                segments=tuple(SegmentEntry(**entry) for entry in document["segments"]),
                columns={name: ColumnType(type_) for name, type_ in document["columns"].items()},
                configuration_version=document["configuration_version"],
                retired=tuple(Retired(**entry) for entry in document["retired"]),
                published_ms=document["published_ms"],
                cold=SegmentEntry(**document["cold"]) if document.get("cold") else None,
                cold_model=document.get("cold_model", ""),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidSnapshot(f"{SNAPSHOT_KEY} is unreadable: {error!r}") from error

    def replace(self, gone: Sequence[SegmentEntry], new: Sequence[SegmentEntry], *, now_ms: int) -> Manifest:
        keys = {entry.key for entry in gone}
        return dataclasses.replace(
            self,
            segments=(*(entry for entry in self.segments if entry.key not in keys), *new),
            retired=(*self.retired, *(Retired(entry.key, now_ms) for entry in gone)),
            published_ms=now_ms,
        )

    def with_cold(self, cold: SegmentEntry, *, model: str, now_ms: int) -> Manifest:
        before = () if self.cold is None else (Retired(self.cold.key, now_ms),)
        return dataclasses.replace(
            self, cold=cold, cold_model=model, retired=(*self.retired, *before), published_ms=now_ms
        )

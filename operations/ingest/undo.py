"""List of imports of interactions, and their removal.

All rows of an import have the start of the import as `received_time_ms` and no correlation ID, even after a compaction.
Events from the API and from Kafka have a correlation ID, so they are not removed.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.users import USERS
from alsolike.declarations.storage import IMPORTS_PREFIX
from alsolike.events.interactions import profile_id
from alsolike.lake import lake_objects, partitions
from alsolike.lake.lake_objects import LakeObject
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import ConcurrentUpdate, NotFound
from alsolike.runtime.s3 import S3Object, delete_objects, scan
from operations import progress
from operations.client.deployment import Deployment
from operations.ingest.journal import name_of_rows, parsed

_ROW_JOURNALS = tuple(f"{IMPORTS_PREFIX}{name_of_rows(kind.list_field, '')}" for kind in (ITEMS, USERS))
"""Prefixes of the journals of item and user files."""

_MARKS = ("received_time_ms", "correlation_id")
_OWNERS = ("user_id", "session_id", "event_id")

_BATCH_BYTES, _BATCH_OBJECTS = 64 << 20, 1_000
"""Maximum size of a batch of objects that is searched for copies. Each batch hashes the keys of all imported events."""


@dataclasses.dataclass(frozen=True, slots=True)
class Import:
    """Import of interactions.

    `import_id` is the start of the import in epoch milliseconds. `files` and `rows` are those of finished files. `keys`
    are those of the import's journals.
    """

    import_id: int
    files: tuple[str, ...]
    rows: int
    is_complete: bool
    keys: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Undone:
    """Numbers of removed rows, changed lake objects and changed live profiles."""

    rows: int
    objects: int
    profiles: int


def imports(deployment: Deployment) -> list[Import]:
    """Return the imports of interactions, latest first. Imports with damaged journals are omitted."""
    journals: dict[int, list[tuple[str, Any]]] = {}
    for stored in scan(deployment.client("s3"), deployment.names.artefact_bucket, IMPORTS_PREFIX):
        if stored.body is None or stored.key.startswith(_ROW_JOURNALS):
            continue
        if (document := parsed(stored.body)) is not None:
            journals.setdefault(document["started_ms"], []).append((stored.key, document["finished"]))
    return [_import(started_ms, found) for started_ms, found in sorted(journals.items(), reverse=True)]


def _import(started_ms: int, journals: list[tuple[str, Any]]) -> Import:
    finished = [summary for _, summary in journals if summary is not None]
    return Import(
        started_ms,
        tuple(Path(summary["file"]).name for summary in finished),
        sum(summary["imported"] for summary in finished),
        len(finished) == len(journals),
        tuple(key for key, _ in journals),
    )


def undo(deployment: Deployment, import_id: int) -> Undone:
    """Remove an import's rows from the live profiles and the lake, and delete its journals.

    The lake is changed last, because a repetition after an interruption finds the rows there. Live profiles keep events
    that another row of the lake repeats. Existing models still reflect the removed rows until the next training.
    """
    found = next((each for each in imports(deployment) if each.import_id == import_id), None)
    if found is None:
        raise NotFound(f"no import {import_id}; list them with `alsolike import list`")
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    listing = list(lake_objects.list_objects(client, bucket))
    events, objects = _search(deployment, listing, import_id)
    own_events = _without_copies(deployment, events, listing, import_id)
    with progress.step("live profiles") as step:
        profiles = _remove_from_profiles(deployment, own_events)
        step.note(progress.counted(profiles, "user"))
    with progress.step("lake", total=len(objects)) as step:
        for listed in objects:
            _remove_from_object(deployment, listed, import_id)
            step.advance(1)
    # A compaction may have merged an object before its rows were removed, or the import may still be running.
    known = set(listing).difference(objects)
    later = [listed for listed in lake_objects.list_objects(client, bucket) if listed not in known]
    if _search(deployment, later, import_id)[1]:
        raise ConcurrentUpdate("another process merged or wrote rows of the import meanwhile; repeat the command")
    delete_objects(client, deployment.names.artefact_bucket, list(found.keys))
    return Undone(len(events), len(objects), profiles)


def _search(deployment: Deployment, listing: Sequence[LakeObject], import_id: int) -> tuple[pa.Table, list[LakeObject]]:
    """Return the owners and IDs of the imported events, and the objects that contain them."""
    events, objects = [pa.table({name: pa.array([], pa.string()) for name in _OWNERS})], []
    with progress.step("search the lake", total=sum(listed.size_bytes for listed in listing)) as step:
        for listed, table in _tables(deployment, listing, step):
            if len(found := table.filter(_is_imported(table, import_id))):
                events.append(found.select(_OWNERS))
                objects.append(listed)
                step.note(progress.counted(sum(map(len, events)), "row"))
    return pa.concat_tables(events), objects


def _without_copies(
    deployment: Deployment, events: pa.Table, listing: Sequence[LakeObject], import_id: int
) -> pa.Table:
    """Return the events whose ID and owner no other row of the lake has, for example a row of a corrected import.

    The other row can be of another day.
    """
    keys = _copy_keys(events)
    with progress.step("search for copies", total=sum(listed.size_bytes for listed in listing)) as step:
        for batch in lake_objects.batches(listing, max_bytes=_BATCH_BYTES, max_objects=_BATCH_OBJECTS):
            others = [
                _copy_keys(table.filter(pc.invert(_is_imported(table, import_id)))).combine_chunks()
                for _, table in _tables(deployment, batch, step)
            ]
            other_keys = pa.chunked_array(others, pa.string())
            found = other_keys.filter(pc.is_in(other_keys, value_set=keys))
            kept = pc.invert(pc.is_in(keys, value_set=found))
            events, keys = events.filter(kept), keys.filter(kept)
    return events


def _tables(
    deployment: Deployment, listing: Iterable[LakeObject], step: progress.Step
) -> Iterator[tuple[LakeObject, pa.Table]]:
    """Yield each object with all its rows, but only the columns that identify import and event.

    Objects that were deleted meanwhile are skipped.
    """
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    for listed in listing:
        if (body := lake_objects.read(client, bucket, listed)) is not None:
            yield listed, pq.read_table(io.BytesIO(body), columns=[*_MARKS, *_OWNERS])
        step.advance(listed.size_bytes)


def _copy_keys(rows: pa.Table) -> pa.ChunkedArray:
    """Return each row's event ID and owner (`COPY_KEY`) as one string. IDs contain no line breaks."""
    owner = pc.coalesce(rows["user_id"], rows["session_id"], "")
    return pc.binary_join_element_wise(rows["event_id"], owner, "\n")


def _is_imported(rows: pa.Table, import_id: int) -> pa.ChunkedArray:
    return pc.and_(pc.equal(rows["received_time_ms"], import_id), pc.is_null(rows["correlation_id"]))


def _remove_from_object(deployment: Deployment, listed: LakeObject, import_id: int) -> None:
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    conflict = f"s3://{bucket}/{listed.key} was merged meanwhile; repeat the command"
    if (body := lake_objects.read(client, bucket, listed)) is None:  # A compaction has merged the object.
        raise ConcurrentUpdate(conflict)
    table = pq.read_table(io.BytesIO(body))
    kept = table.filter(pc.invert(_is_imported(table, import_id)))
    stored = S3Object(client, bucket, listed.key)
    if len(kept):
        replacement = io.BytesIO()
        pq.write_table(kept, replacement, compression=partitions.COMPRESSION)
        stored.replace(replacement.getvalue(), etag=listed.etag, content_type=None, conflict=conflict)
    elif not stored.delete(etag=listed.etag):
        raise ConcurrentUpdate(conflict)


def _remove_from_profiles(deployment: Deployment, removed: pa.Table) -> int:
    store = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    return sum(store.remove(profile, event_ids) > 0 for profile, event_ids in _by_profile(removed))


def _by_profile(removed: pa.Table) -> Iterator[tuple[str, frozenset[str]]]:
    rows = removed.sort_by([("user_id", "ascending"), ("session_id", "ascending")]).to_pylist()
    for profile, group in itertools.groupby(rows, key=_owner):
        yield profile, frozenset(row["event_id"] for row in group)


def _owner(row: Mapping[str, Any]) -> str:
    return profile_id(user_id=row["user_id"], session_id=row["session_id"])

"""Progress of an erasure, and removal of old versions of objects.

The progress is stored with the request, so that any call can resume the erasure.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

from alsolike.privacy.erasures import pending_key
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import S3Object

_BATCH = 1_000  # Maximum number of keys in a DeleteObjects request.


@dataclasses.dataclass(slots=True)
class Progress:
    """Findings and completed steps of an erasure.

    Attributes
    ----------
    requested_at_ms
        Time of the tombstone.
    step, cursor
        Position of the running pass.
    found
        Number of objects, profiles and sessions with user data that the current pass found. A pass without such data
        ends the erasure.
    purged
        Number of units (such as objects), number of records, and time of the last removal, by store, over all
        passes.
    intents
        Hits that are counted but possibly not purged, so that no hit is counted twice after an interruption.
    sessions, rivals
        First login of the user, and first login of another user, per session of the user, each as [event time,
        event ID].
    rival_users
        Other users who logged in to these sessions.
    stopped_sessions
        Sessions that have a tombstone.
    datasets
        IDs of the datasets that contained the user.
    """

    user_id: str
    requested_at_ms: int
    passes: int = 0
    step: int = 0
    cursor: dict[str, Any] = dataclasses.field(default_factory=dict)
    found: int = 0
    purged: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    intents: list[str] = dataclasses.field(default_factory=list)
    sessions: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    rivals: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    datasets: list[str] = dataclasses.field(default_factory=list)
    rival_users: list[str] = dataclasses.field(default_factory=list)
    stopped_sessions: list[str] = dataclasses.field(default_factory=list)

    def note_login(self, session_id: str, login: list[Any]) -> None:
        self.sessions[session_id] = min(login, self.sessions.get(session_id, login))

    def own_sessions(self) -> list[str]:
        """Return the sessions whose first login is the user's login (`alsolike.events.logins`).

        All rows of these sessions that have no user are removed, also rows after the login, because clocks of devices
        differ.
        """
        return [
            session
            for session, login in self.sessions.items()
            if session not in self.rivals or login < self.rivals[session]
        ]

    def count(self, store: str, units: dict[str, int], *, now_ms: int, is_decided: bool = True) -> None:
        """Add the records of units (objects or profiles) that are not yet counted.

        Units of an unknown owner (`is_decided` is false) cause no further pass.
        """
        known = set(self.intents)
        new = {unit: records for unit, records in units.items() if f"{store}:{unit}" not in known}
        if not new:
            return
        objects, records, _ = self.purged.get(store, [0, 0, 0])
        self.purged[store] = [objects + len(new), records + sum(new.values()), now_ms]
        self.intents.extend(f"{store}:{unit}" for unit in new)
        self.found += len(new) if is_decided else 0

    def begin_pass(self) -> None:
        self.step, self.cursor, self.found = 0, {}, 0
        self.intents.clear()


class ProgressStore:
    def __init__(self, client: S3Client, bucket: str, erasure_id: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = pending_key(erasure_id)
        self._object = S3Object(client, bucket, self._key)

    def load(self) -> Progress | None:
        """Return the progress, or None if the erasure is not pending."""
        stored = self._object.read()
        return Progress(**orjson.loads(stored.body)) if stored else None

    def save(self, progress: Progress) -> None:
        self._object.write(orjson.dumps(progress))

    def forget(self) -> None:
        """Delete the object with all its versions, because it contains the user ID."""
        self._object.delete()
        delete_old_versions(self._client, self._bucket, self._key)


def delete_old_versions(client: S3Client, bucket: str, key: str) -> None:
    """Delete all versions of an object in a versioned bucket except the current one, and all delete markers.

    A repeated call completes an interrupted one.
    """
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        pages = list(client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key))
        versions = [entry for page in pages for entry in page.get("Versions", []) if not entry["IsLatest"]]
        markers = [entry for page in pages for entry in page.get("DeleteMarkers", [])]
        # Markers are deleted last. Otherwise an earlier version would become current.
        for entries in (versions, markers):
            _delete(client, bucket, [entry for entry in entries if entry["Key"] == key])


def _delete(client: S3Client, bucket: str, versions: list[dict[str, Any]]) -> None:
    for start in range(0, len(versions), _BATCH):
        batch = [
            {"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions[start : start + _BATCH]
        ]
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        if errors := answer.get("Errors"):
            raise Unavailable(f"s3://{bucket}/{batch[0]['Key']}: {errors[0].get('Code')} of {len(errors)} versions")

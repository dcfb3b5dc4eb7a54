"""Store of the champion pointer, an S3 object that serving polls.

`Registry` writes only the pointer, and only if it has not changed since the last read. The metrics and lineage of
versions are in the SageMaker Model Registry, and their files are under `models/<version>/`.
"""

from __future__ import annotations

import dataclasses

import orjson

from alsolike.bundle.files import MANIFEST_FILE
from alsolike.declarations.storage import CHAMPION_KEY, MODELS_PREFIX
from alsolike.registry.canary import Canary
from alsolike.registry.champion_pointer import Champion, Promotion, PromotionHold, check_reason
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, InvalidInput, NotFound
from alsolike.runtime.names import MODEL_VERSION, MODEL_VERSION_FORM
from alsolike.runtime.s3 import S3Object

REPAIR = "repair it with `alsolike models repair`"


def model_prefix(version: str) -> str:
    return f"{MODELS_PREFIX}{version}/"


class Registry:
    """Store of a deployment's champion pointer.

    Every write raises `ConcurrentUpdate` if the pointer has changed since it was read.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._pointer = S3Object(client, bucket, CHAMPION_KEY)

    def champion(self) -> Champion | None:
        """Return the content of the pointer, or None if no version was ever promoted. A deleted or unreadable pointer
        raises `InvalidBundle`.
        """
        stored = self._pointer.read()
        if stored is None:
            if self._pointer.was_deleted():
                raise InvalidBundle(f"{self._pointer.uri} was deleted; {REPAIR}")
            return None
        try:
            return Champion.of(orjson.loads(stored.body), etag=stored.etag)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidBundle(f"{self._pointer.uri} is unreadable: {error}; {REPAIR}") from error

    def put_back(self, champion: Champion) -> Champion:
        """Replace an unreadable or missing pointer by an earlier one.

        `champion.etag` must be the ETag of the unreadable object, or empty if the object is missing.
        """
        self._check_exists(champion.version)
        return self._write(champion)

    def promote(self, version: str, *, reason: str, now_ms: int) -> Champion:
        return self.replace(self.champion(), version, reason=reason, now_ms=now_ms)

    def replace(
        self, expected: Champion | None, version: str, *, reason: str, now_ms: int, forced: bool = False
    ) -> Champion:
        """Promote a version to champion. This also ends a canary and a pause of automatic promotions.

        If the version already is champion, no entry is added to the history.
        """
        check_reason(reason)
        if expected is not None and expected.version == version:
            if expected.canary is None and expected.held is None:
                return expected
            ended = expected.ending(f"{version} stays champion: {reason}")
            return self._write(dataclasses.replace(expected, canary=None, ended=ended, held=None))
        self._check_exists(version)
        if not MODEL_VERSION.fullmatch(version):  # A pointer with an invalid name would be unreadable.
            raise InvalidInput(f"the version is {version!r}, expected {MODEL_VERSION_FORM}")
        promotion = Promotion(version, now_ms, reason, forced)
        if expected is None:
            return self._write(Champion((promotion,), etag=""))
        return self._write(dataclasses.replace(expected, history=expected.promoting(promotion), canary=None, held=None))

    def start_canary(self, expected: Champion, canary: Canary) -> Champion:
        """Start a canary. It replaces a running canary, without an `EndedCanary`."""
        self._check_exists(canary.version)
        return self._write(dataclasses.replace(expected, canary=canary))

    def end_canary(self, expected: Champion, *, reason: str, breached: bool = False) -> Champion:
        """End the canary, so that the champion serves all users, and record the reason as an `EndedCanary`."""
        check_reason(reason)
        if expected.canary is None:
            return expected
        ended = expected.ending(reason, breached=breached)
        return self._write(dataclasses.replace(expected, canary=None, ended=ended))

    def pin(self, expected: Champion, versions: tuple[str, ...]) -> Champion:
        return self._write(dataclasses.replace(expected, pinned=versions))

    def restore(self, expected: Champion, version: str, *, reason: str, now_ms: int) -> Champion:
        """Promote an earlier champion again, and end a running canary.

        In contrast to `roll_back`, this does not pause automatic promotions. An existing pause remains.
        """
        self._check_exists(version)
        history = expected.restoring(version, reason=reason, now_ms=now_ms)
        ended = expected.ending(f"{expected.version} was replaced: {reason}")
        return self._write(dataclasses.replace(expected, history=history, canary=None, ended=ended))

    def note_repair(self, expected: Champion, *, now_ms: int) -> Champion:
        """Record the repair of a bundle. Processes try a damaged version again only if the pointer has changed."""
        return self._write(dataclasses.replace(expected, repaired_ms=now_ms))

    def resume(self, expected: Champion) -> Champion:
        return self._write(dataclasses.replace(expected, held=None))

    def roll_back(
        self, *, reason: str, now_ms: int, with_canary: bool = False, expected: Champion | None = None
    ) -> Champion:
        """Promote the predecessor of the champion, and pause automatic promotions.

        Parameters
        ----------
        with_canary
            True to also end a running canary. False raises `InvalidInput` if a canary is running.
        expected
            Result of `champion` on which the caller's decision is based; None reads the current pointer.
        """
        check_reason(reason)
        current = expected or self.champion()
        if current is None or current.previous is None:
            raise NotFound("there is no earlier champion to roll back to; promote a version by its name")
        if current.canary is not None and not with_canary:
            tried, own = current.canary.version, current.version
            raise InvalidInput(
                f"model version {tried!r} is the canary: `alsolike models rollback --canary` ends it, and {own!r} "
                f"stays champion; `alsolike models rollback --champion` ends it and rolls {own!r} back as well"
            )
        self._check_exists(current.previous)
        history = current.restoring(current.previous, reason=reason, now_ms=now_ms)
        ended = current.ending(f"{current.version} was rolled back during the canary: {reason}")
        held = PromotionHold(reason, now_ms)
        return self._write(dataclasses.replace(current, history=history, canary=None, ended=ended, held=held))

    def _write(self, champion: Champion) -> Champion:
        """Write the pointer if the stored object has the ETag `champion.etag`. An empty ETag creates the object."""
        etag = self._pointer.replace(
            orjson.dumps(champion.document(), option=orjson.OPT_INDENT_2),
            etag=champion.etag,
            conflict="the champion pointer changed meanwhile; check it, then try again",
        )
        return dataclasses.replace(champion, etag=etag)

    def _check_exists(self, version: str) -> None:
        manifest = S3Object(self._client, self._bucket, f"{model_prefix(version)}{MANIFEST_FILE}")
        if manifest.etag() is None:
            raise NotFound(f"model version {version!r} has no bundle at {manifest.uri}")

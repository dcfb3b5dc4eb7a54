"""Repair of an unreadable or deleted champion pointer from its earlier versions in S3."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import orjson

from alsolike.declarations.storage import CHAMPION_KEY
from alsolike.registry.champion_pointer import Champion, Promotion
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, InvalidInput, NotFound
from operations.object_versions import ObjectVersion, read_version, stored_versions, versions_below


def repair_pointer(
    client: S3Client, bucket: str, *, version: str | None, reason: str, now_ms: int, forced: bool = False
) -> Champion | None:
    """Restore the latest readable pointer whose champion has files, without its canary.

    Return the restored pointer, or None if the current pointer is intact. `version` becomes champion in place of the
    restored one; `forced` is true if the gate rejected `version`.
    """
    registry = Registry(client, bucket)
    try:
        registry.champion()
    except InvalidBundle:
        pass
    else:
        return None
    stored = list(stored_versions(client, bucket, CHAMPION_KEY))
    etag = next((version.etag for version in stored if version.is_latest), "")
    if version is not None:
        earlier = next(_readable(client, bucket, stored), None)
        promotion = Promotion(version, now_ms, reason, forced)
        history = earlier.promoting(promotion) if earlier is not None else (promotion,)
        return registry.put_back(Champion(history, etag, pinned=earlier.pinned if earlier is not None else ()))
    for earlier in _readable(client, bucket, stored):
        ended = earlier.ending(f"the pointer was repaired: {reason}")
        try:
            return registry.put_back(dataclasses.replace(earlier, etag=etag, canary=None, ended=ended))
        except NotFound:
            continue
    raise InvalidInput(
        f"no earlier version of s3://{bucket}/{CHAMPION_KEY} references a model with files. Select a version with "
        "`alsolike models repair --champion VERSION`, or start without a champion: "
        "`alsolike models repair --without-champion`"
    )


def forget_pointer(client: S3Client, bucket: str) -> None:
    """Delete all versions of the pointer, so that the deployment has no champion and no history."""
    with translate_aws_errors(f"s3://{bucket}/{CHAMPION_KEY}"):
        for version in versions_below(client, bucket, CHAMPION_KEY):
            if version.key == CHAMPION_KEY:
                client.delete_object(Bucket=bucket, Key=CHAMPION_KEY, VersionId=version.version_id)


def _readable(client: S3Client, bucket: str, versions: Sequence[ObjectVersion]) -> Iterator[Champion]:
    for version in versions:
        body = read_version(client, bucket, version)
        try:
            champion = Champion.of(orjson.loads(body), etag=version.etag)
        except (ValueError, KeyError, TypeError):
            continue
        if champion is not None:
            yield champion

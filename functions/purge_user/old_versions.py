"""Removal of old object versions, which a versioned bucket keeps when an object is rewritten or deleted."""

from __future__ import annotations

from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import Unavailable

_BATCH = 1_000  # Maximum number of keys in a DeleteObjects request.


def delete_old_versions(client: S3Client, bucket: str, key: str) -> None:
    """Delete all versions of an object except the current one, and all delete markers.

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

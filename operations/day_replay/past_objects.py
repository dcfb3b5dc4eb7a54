"""Current and earlier versions of the objects in a versioned bucket, also of deleted objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client


class PastObject(NamedTuple):
    """Version of an object, or a delete marker, which has no ETag."""

    modified_ms: int
    key: str
    version_id: str
    etag: str | None


class PastObjects:
    """Versions of the objects in a bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def versions(self, prefix: str) -> Iterator[PastObject]:
        """Yield all versions with a key prefix, sorted by key and then latest first."""
        with translate_aws_errors(f"s3://{self._bucket}/{prefix}"):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                entries = [(entry, entry["ETag"]) for entry in page.get("Versions", [])]
                entries += [(entry, None) for entry in page.get("DeleteMarkers", [])]
                for entry, etag in sorted(entries, key=lambda each: (each[0]["Key"], -_ms(each[0]))):
                    yield PastObject(_ms(entry), entry["Key"], entry["VersionId"], etag)

    def latest(self, key: str) -> PastObject | None:
        """Return the latest version with content, also if the object was deleted since."""
        return next((each for each in self.versions(key) if each.key == key and each.etag is not None), None)

    def read(self, past: PastObject) -> bytes:
        """Return the content of a version."""
        with translate_aws_errors(f"s3://{self._bucket}/{past.key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=past.key, VersionId=past.version_id)
            content: bytes = answer["Body"].read()
            return content

    def download(self, key: str, path: Path) -> bool:
        """Write the latest content of an object to a file. Return false if the bucket no longer has it."""
        past = self.latest(key)
        if past is None:
            return False
        path.write_bytes(self.read(past))
        return True


def _ms(entry: Any) -> int:
    return int(entry["LastModified"].timestamp() * 1000)

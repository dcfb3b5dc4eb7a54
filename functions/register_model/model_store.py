"""Model bundles in the artefact bucket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from alsolike.bundle.files import FILES, MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.registry.champion_pointer_store import model_prefix
from alsolike.registry.decision import decision_key
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, InvalidInput
from alsolike.runtime.s3 import S3Object, upload


class ModelStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def open(self, s3_uri: str) -> Any:
        if not (match := re.fullmatch(r"s3://([^/]+)/(.+)", s3_uri)):
            raise InvalidInput(f"model_data_s3_uri is {s3_uri!r}, expected s3://bucket/key")
        return self._client.get_object(Bucket=match[1], Key=match[2])["Body"]

    def upload(self, directory: Path, *, version: str) -> None:
        """Upload a bundle's files. The manifest is last, because a version with a manifest is complete."""
        manifest = Manifest.from_json((directory / MANIFEST_FILE).read_bytes())
        for name in (*manifest.files_of(FILES), MANIFEST_FILE):
            upload(self._client, self._bucket, f"{model_prefix(version)}{name}", directory / name)

    def manifest(self, version: str) -> Manifest | None:
        """Return a version's manifest, or None if the manifest is missing or unreadable."""
        stored = S3Object(self._client, self._bucket, f"{model_prefix(version)}{MANIFEST_FILE}").read()
        try:
            return Manifest.from_json(stored.body) if stored else None
        except InvalidBundle:
            return None

    def uri(self, version: str) -> str:
        return f"s3://{self._bucket}/{model_prefix(version)}"

    def decision_uri(self, version: str) -> str:
        return f"s3://{self._bucket}/{decision_key(version)}"

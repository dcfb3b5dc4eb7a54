"""Earlier versions of objects in the versioned artefact bucket."""

from __future__ import annotations

from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client


def stored_versions(client: S3Client, bucket: str, key: str) -> list[dict[str, Any]]:
    """Return the stored versions of an object, latest first, without delete markers."""
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        return [version for page in pages for version in page.get("Versions", ()) if version["Key"] == key]


def read_version(client: S3Client, bucket: str, version: dict[str, Any]) -> bytes:
    """Return the content of a stored version."""
    with translate_aws_errors(f"s3://{bucket}/{version['Key']}"):
        answer = client.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        body: bytes = answer["Body"].read()
    return body

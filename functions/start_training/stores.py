"""The inputs of a new run: the size of the lake, and the champion for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.bundle.manifest import MANIFEST_FILE
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.registry.registry import model_prefix
from alsolike.runtime.errors import Unavailable
from alsolike.training.dataset import CHAMPION_FOLDER, prefix

_BYTES_PER_MB = 1_000_000


class LakeSize:
    """The size of the lake."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def exceeds(self, megabytes: int) -> bool:
        """Return true if the objects with interactions exceed a size in total; stop listing when they do.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        """
        size_bytes = 0
        for entry in _entries(self._client, self._bucket, INTERACTIONS_PREFIX):
            size_bytes += entry["Size"]
            if size_bytes > megabytes * _BYTES_PER_MB:
                return True
        return False


def copy_champion(client: Any, bucket: str, version: str, *, run_id: str) -> None:
    """Copy a version's bundle into a run's dataset for the training job; the manifest last.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    """
    source = model_prefix(version)
    target = f"{prefix(run_id)}{CHAMPION_FOLDER}/"
    names = [entry["Key"].removeprefix(source) for entry in _entries(client, bucket, source)]
    for name in sorted(names, key=lambda name: name == MANIFEST_FILE):
        try:
            client.copy_object(
                Bucket=bucket, Key=f"{target}{name}", CopySource={"Bucket": bucket, "Key": f"{source}{name}"}
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"s3://{bucket}/{source}{name}: {error}") from error


def _entries(client: Any, bucket: str, prefix: str) -> Iterator[Mapping[str, Any]]:
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(f"s3://{bucket}/{prefix}: {error}") from error

"""The inputs of a new run: the size of the lake, and the champion for comparison."""

from __future__ import annotations

from typing import Any

from alsolike.bundle.manifest import MANIFEST_FILE
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.registry.registry import model_prefix
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.s3 import listed
from alsolike.training.dataset import CHAMPION_FOLDER, prefix

_BYTES_PER_MB = 1_000_000


class LakeSize:
    """The size of the lake."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def exceeds(self, megabytes: int) -> bool:
        """Return true if the objects with interactions exceed a size in total; stop listing when they do."""
        size_bytes = 0
        for entry in listed(self._client, self._bucket, INTERACTIONS_PREFIX):
            size_bytes += entry.size_bytes
            if size_bytes > megabytes * _BYTES_PER_MB:
                return True
        return False


def copy_champion(client: Any, bucket: str, version: str, *, run_id: str) -> None:
    """Copy a version's bundle into a run's dataset for the training job; the manifest last."""
    source = model_prefix(version)
    target = f"{prefix(run_id)}{CHAMPION_FOLDER}/"
    names = [entry.key.removeprefix(source) for entry in listed(client, bucket, source)]
    for name in sorted(names, key=lambda name: name == MANIFEST_FILE):
        with translate_aws_errors(f"s3://{bucket}/{source}{name}"):
            client.copy_object(
                Bucket=bucket, Key=f"{target}{name}", CopySource={"Bucket": bucket, "Key": f"{source}{name}"}
            )

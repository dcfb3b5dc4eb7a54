"""Process that imports a file through the command and sends itself a signal at one of its writes to the lake."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

import boto3
import pyarrow as pa

from cli.main import app
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.ingest import csv_rows, files
from operations.ingest.lake_rows import LakeWriter
from tests.unit.cli.shop import KEY, NAMES, REGION

NOW_MS = 1_700_000_000_000


def small_pieces(set_attribute: Callable[[Any, str, Any], None]) -> None:
    """Reduce the sizes of chunks, so that a file of few rows has several chunks."""
    set_attribute(files, "CHUNK_ROWS", 40)
    set_attribute(csv_rows, "_BLOCK_BYTES", 300)


def main(endpoint: str, path: str, number: int, write: int) -> None:
    """Import a file. At the write with the index `write`, send the signal `number`."""
    small_pieces(setattr)
    clients = {
        service: boto3.client(service, region_name=REGION, endpoint_url=endpoint) for service in ("s3", "dynamodb")
    }
    shop = Deployment("shop", NAMES, clients.__getitem__, lambda: KEY, is_local=False)
    deployment.resolve = lambda **_: shop
    writes, put = itertools.count(), LakeWriter.put

    def put_or_raise(self: LakeWriter, key: str, data: pa.Buffer) -> None:
        put(self, key, data)
        if next(writes) == write:
            os.kill(os.getpid(), number)

    LakeWriter.put = put_or_raise  # type: ignore[method-assign]
    app(["import", "interactions", path])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

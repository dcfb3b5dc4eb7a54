"""Data and functions of a deployment that a forecast uses."""

from __future__ import annotations

from alsolike.configuration.configuration import Configuration
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.runtime.client_protocols import LambdaClient, S3Client
from alsolike.runtime.struct import struct
from alsolike.snapshot.snapshot import Snapshot


@struct
class ForecastInputs:
    """Clients, the lake, the live configuration and the published catalogue.

    If `has_hashed_ids` is true, logged requests cannot be answered again.
    """

    s3: S3Client
    lambda_: LambdaClient
    lake_bucket: str
    recommend_function: str
    configuration: Configuration
    catalogue: Snapshot
    hashes: Pseudonyms
    has_hashed_ids: bool

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

    Attributes
    ----------
    s3, lambda_
        Low-level clients.
    recommend_function
        Function that answers logged requests again.
    hashes
        Keyed hash function of the recommendation log.
    has_hashed_ids
        True if the deployment stores hashes of user IDs. Logged requests cannot be answered again then.
    """

    s3: S3Client
    lambda_: LambdaClient
    lake_bucket: str
    recommend_function: str
    configuration: Configuration
    catalogue: Snapshot
    hashes: Pseudonyms
    has_hashed_ids: bool

"""Data and functions of a deployment that a forecast uses."""

from __future__ import annotations

from typing import Any

from alsolike.configuration.configuration import Configuration
from alsolike.privacy.pseudonyms import Pseudonyms
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

    s3: Any
    lambda_: Any
    lake_bucket: str
    recommend_function: str
    configuration: Configuration
    catalogue: Snapshot
    hashes: Pseudonyms
    has_hashed_ids: bool

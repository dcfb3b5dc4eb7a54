"""Lake table `outcomes`, with one row per response, partitioned by the day of the response.

Each day is a single object that is replaced atomically, so readers see a consistent state without duplicates.
"""

from __future__ import annotations

from alsolike.declarations.storage import OUTCOMES_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION


def partition_prefix(date: str) -> str:
    """Return the key prefix of a day (ISO 8601)."""
    return f"{OUTCOMES_PREFIX}{SERVED_PARTITION}={date}/"


def object_key(date: str) -> str:
    """Return the key of the single object of a day (ISO 8601)."""
    return f"{partition_prefix(date)}outcomes.parquet"

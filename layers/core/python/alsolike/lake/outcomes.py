"""Lake table `outcomes`, with one row per response, partitioned by the day of the response.

Each day is a single object that is replaced atomically, so readers see a consistent state without duplicates.
"""

from __future__ import annotations

from alsolike.declarations.storage import OUTCOMES_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION


def partition_prefix(date: str) -> str:
    return f"{OUTCOMES_PREFIX}{SERVED_PARTITION}={date}/"


def object_key(date: str) -> str:
    return f"{partition_prefix(date)}outcomes.parquet"

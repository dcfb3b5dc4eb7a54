"""Outcomes of served answers: one row per answer, in the lake's table `outcomes`, by the day on which it was served.

A day is one object, always rewritten as a whole, so that readers get each answer once, as of one moment.
"""

from __future__ import annotations

from alsolike.declarations.storage import OUTCOMES_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION


def partition_prefix(date: str) -> str:
    """Return the key prefix of one day."""
    return f"{OUTCOMES_PREFIX}{SERVED_PARTITION}={date}/"


def object_key(date: str) -> str:
    """Return the key of the one object of a day."""
    return f"{partition_prefix(date)}outcomes.parquet"

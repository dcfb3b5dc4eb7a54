"""Names and partition columns of the lake's tables, and keys of the table of live profiles."""

from collections.abc import Iterable, Sequence


def once_sql(table: str, columns: Iterable[str], *, key: Sequence[str], order: Sequence[str]) -> str:
    """Return a query for Athena and DuckDB that selects one row per `key`, the first by `order`."""
    listed = ", ".join(columns)
    ordered = ", ".join(f"{name} ASC NULLS LAST" for name in order)
    number = f"row_number() OVER (PARTITION BY {', '.join(key)} ORDER BY {ordered})"
    numbered = f"SELECT {listed}, {number} AS copy FROM {table}"  # noqa: S608  names are constants
    return f"SELECT {listed} FROM ({numbered}) WHERE copy = 1"  # noqa: S608


INTERACTIONS_TABLE = "interactions"
INTERACTIONS_PARTITION = "event_date"

SERVED_TABLE = "served"
SERVED_PARTITION = "served_date"
"""Partition column of `served`, `outcomes` and `engagement`."""

OUTCOMES_TABLE = "outcomes"
ENGAGEMENT_TABLE = "engagement"

CHANGES_PARTITION = "change_date"
"""Partition column of the change logs of items and users."""

PROFILES_PARTITION_KEY, PROFILES_SORT_KEY = "profile_id", "sort_key"
"""Keys of the DynamoDB table of live profiles (`alsolike.profiles.profile`)."""

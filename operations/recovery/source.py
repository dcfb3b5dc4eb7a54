"""Source from which the tables are restored."""

from __future__ import annotations

from enum import StrEnum


class RestoreSource(StrEnum):
    """Source from which the tables are restored."""

    LAKE = "lake"
    BACKUPS = "backups"
    NONE = "none"

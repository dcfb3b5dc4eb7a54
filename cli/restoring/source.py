"""What the tables can be restored from."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """What the tables can be restored from."""

    LAKE = "lake"
    BACKUPS = "backups"
    NONE = "none"

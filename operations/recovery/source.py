"""Parts of a deployment's data, and the sources for restoring its tables."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """Part of the data that can be restored separately."""

    INTERACTIONS = "interactions"
    CATALOGUE = "catalogue"
    CONFIGURATION = "configuration"
    MODELS = "models"


EVERYTHING = frozenset(Part)


class RestoreSource(StrEnum):
    """Source from which the tables are restored."""

    LAKE = "lake"
    BACKUPS = "backups"
    NONE = "none"

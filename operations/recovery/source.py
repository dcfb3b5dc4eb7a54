"""Parts of a deployment's data, and sources from which tables are restored."""

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

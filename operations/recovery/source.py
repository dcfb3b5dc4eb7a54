"""Parts of a deployment's data, and the sources from which tables are restored."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A part of the data that can be restored without the others."""

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

"""Settings of compact_lake."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where the lake is, who was erased from it, and when merging is worth it.

    Attributes
    ----------
    min_objects
        Small objects that a day has at least before they are merged.
    quiet_s
        How long an object is left alone after it was written: longer than a call of this function lasts.
    grace_s
        How long the inputs of a merge stay beside its result: longer than any reader takes from its listing to its last
        read, and longer than a call of this function lasts.
    """

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
    configuration_check_s: float
    min_objects: int = 8
    quiet_s: int = 3_600
    grace_s: int = 3_600

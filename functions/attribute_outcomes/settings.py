"""Settings of attribute_outcomes."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of attribute_outcomes, and the time in which an event counts for an answer.

    Attributes
    ----------
    window_days
        Days after its answer in which an event counts.
    served_days
        Days for which the lake keeps the recommendation log.
    """

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
    window_days: int = 7
    served_days: int = 90

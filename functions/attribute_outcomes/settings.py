"""Settings of attribute_outcomes."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is, and within what time an event counts for an answer.

    Attributes
    ----------
    window_days
        An event later than so many days after its answer does not count.
    served_days
        How long the lake keeps what was served.
    """

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
    window_days: int = 7
    served_days: int = 90
    configuration_check_s: float = 30

from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Buckets, secret, attribution window and retention.

    Attributes
    ----------
    window_days
        Number of days after a response in which events count.
    served_days
        Retention of the recommendation log in the lake, in days.
    """

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
    window_days: int = defaults.ATTRIBUTION_WINDOW_DAYS
    served_days: int = defaults.SERVED_DAYS

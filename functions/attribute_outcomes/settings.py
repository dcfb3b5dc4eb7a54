from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Buckets, secret, attribution window, retention, and the inputs of forecasts.

    Attributes
    ----------
    window_days
        Number of days after a response in which events count.
    served_days
        Retention of the recommendation log in the lake, in days.
    recommend_function_parameter
        SSM parameter with the name of the function `recommend`, because this function is deployed later.
    pseudonymise_ids
        1 if the deployment stores hashes of user IDs.
    """

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
    recommend_function_parameter: str
    pseudonymise_ids: int = 0
    window_days: int = defaults.ATTRIBUTION_WINDOW_DAYS
    served_days: int = defaults.SERVED_DAYS

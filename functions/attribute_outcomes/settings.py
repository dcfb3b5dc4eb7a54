import dataclasses

from alsolike.declarations import shared_defaults
from alsolike.declarations.retention import SERVED_DAYS


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Settings of attribution and forecasts.

    The name of the function `recommend` is in an SSM parameter, because `recommend` is deployed later. `served_days` is
    the retention of the recommendation log in the lake.
    """

    lake_bucket: str
    artefact_bucket: str
    secret_arn: str
    recommend_function_parameter: str
    pseudonymise_ids: int = 0
    window_days: int = shared_defaults.ATTRIBUTION_WINDOW_DAYS
    served_days: int = SERVED_DAYS

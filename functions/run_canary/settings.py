import dataclasses

from alsolike.declarations import shared_defaults
from alsolike.declarations.canary import CanarySettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(CanarySettings):
    """Stores and settings of the canary. `models_kept` is the number of unprotected versions to keep."""

    artefact_bucket: str
    lake_bucket: str
    model_package_group: str
    attribute_outcomes_function: str
    models_kept: int = shared_defaults.MODELS_KEPT

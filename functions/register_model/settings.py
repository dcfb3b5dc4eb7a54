import dataclasses

from functions.register_model.limits import GateLimits


@dataclasses.dataclass(frozen=True)
class Settings(GateLimits):
    """Stores of models, and the limits of the gate."""

    artefact_bucket: str
    model_package_group: str

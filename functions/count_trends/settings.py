import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    artefact_bucket: str
    secret_arn: str
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
    tombstone_check_s: float = shared_defaults.TOMBSTONE_CHECK_S

import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
    tombstone_check_s: float = shared_defaults.TOMBSTONE_CHECK_S

import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of the snapshot and the lake, polling intervals, and the maximum size of a snapshot for readers."""

    artefact_bucket: str
    lake_bucket: str
    secret_arn: str
    max_snapshot_mb: int
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
    tombstone_check_s: float = shared_defaults.TOMBSTONE_CHECK_S

import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Targets of events and invalid records, and the tracking ID of events. `pseudonymise_ids` is 0 or 1."""

    stream_name: str
    lake_bucket: str
    artefact_bucket: str
    tracking_id: str
    secret_arn: str
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S
    tombstone_check_s: float = shared_defaults.TOMBSTONE_CHECK_S
    pseudonymise_ids: int = 0

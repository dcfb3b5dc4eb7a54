import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of a deployment's data. `pseudonymise_ids` is 1 if stored user IDs are hashes, otherwise 0."""

    deployment: str
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    catalogue_table: str
    users_table: str
    secret_arn: str
    pseudonymise_ids: int = 0

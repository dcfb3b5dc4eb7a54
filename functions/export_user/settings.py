import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of user data. `pseudonymise_ids` is 0 or 1."""

    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    users_table: str
    secret_arn: str
    pseudonymise_ids: int = 0
    keys_table: str = ""

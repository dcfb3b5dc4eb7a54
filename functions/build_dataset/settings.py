import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    lake_bucket: str
    artefact_bucket: str
    catalogue_table: str
    users_table: str
    secret_arn: str

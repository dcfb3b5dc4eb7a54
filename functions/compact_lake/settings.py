import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    lake_bucket: str
    artefact_bucket: str
    secret_arn: str

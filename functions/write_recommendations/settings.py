import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    artefact_bucket: str

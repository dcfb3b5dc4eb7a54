import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    mapping_id: str

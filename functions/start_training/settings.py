import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    artefact_bucket: str
    lake_bucket: str
    dataset_engine: str = shared_defaults.DATASET_ENGINE
    spark_above_mb: int = shared_defaults.SPARK_ABOVE_MB
    dataset_days: int = shared_defaults.DATASET_DAYS

from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    artefact_bucket: str
    lake_bucket: str
    dataset_engine: str = defaults.DATASET_ENGINE
    spark_above_mb: int = defaults.SPARK_ABOVE_MB
    dataset_days: int = defaults.DATASET_DAYS

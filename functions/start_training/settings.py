from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of training runs, the engine of their datasets, and the retention of datasets."""

    artefact_bucket: str
    lake_bucket: str
    dataset_engine: str = "auto"
    spark_above_mb: int = 300
    dataset_days: int = 7

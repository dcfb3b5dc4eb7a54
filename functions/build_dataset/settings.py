from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Sources of a dataset, tombstones of erased users, and target bucket."""

    lake_bucket: str
    artefact_bucket: str
    catalogue_table: str
    users_table: str
    secret_arn: str

"""Settings of build_dataset."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What a dataset is made of, who may not be in it, and where it goes."""

    lake_bucket: str
    artefact_bucket: str
    catalogue_table: str
    users_table: str
    secret_arn: str

"""Settings of import_data."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The stores of a deployment's data.

    Attributes
    ----------
    deployment
        The environment's name.
    pseudonymise_ids
        1 if stored IDs of people are hashes, otherwise 0.
    """

    deployment: str
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    catalogue_table: str
    users_table: str
    secret_arn: str
    pseudonymise_ids: int = 0

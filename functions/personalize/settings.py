"""Settings of personalize."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The tables of resources and keys.

    Attributes
    ----------
    arn_prefix
        Beginning of all ARNs: partition, service, region and account, without a colon at the end.
    tracking_id
        The deployment's tracking id, which every event tracker has.
    """

    resources_table: str
    keys_table: str
    arn_prefix: str
    tracking_id: str

"""Settings of operate."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where model versions are kept, what trains them, and what answers with them.

    Attributes
    ----------
    canary_share_percent
        How many of the users a version on trial gets; where it is 0 nothing is tried.
    """

    artefact_bucket: str
    model_package_group: str
    state_machine_arn: str
    recommend_function: str
    canary_share_percent: int

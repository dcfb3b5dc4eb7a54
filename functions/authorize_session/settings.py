from __future__ import annotations

import dataclasses

from alsolike.declarations import shared_defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Secret that signs session tokens, and bucket of the configuration, which contains the site keys."""

    session_key_arn: str
    artefact_bucket: str
    configuration_check_s: float = shared_defaults.CONFIGURATION_CHECK_S

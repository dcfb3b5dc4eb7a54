"""Settings of authorize_session."""

from __future__ import annotations

import dataclasses

from alsolike.declarations import defaults


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The secret that signs sessions' tokens, and the bucket of the configuration, which has the site keys."""

    session_key_arn: str
    artefact_bucket: str
    configuration_check_s: float = defaults.CONFIGURATION_CHECK_S

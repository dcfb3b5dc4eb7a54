"""Settings of authorize_session."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The secret that signs sessions' tokens."""

    session_key_arn: str

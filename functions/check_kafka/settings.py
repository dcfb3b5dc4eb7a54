"""Settings of check_kafka."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The event source mapping of the topic."""

    mapping_id: str

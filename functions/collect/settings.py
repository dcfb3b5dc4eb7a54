"""Settings of collect."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where interactions and items go."""

    stream_name: str
    catalogue_table: str

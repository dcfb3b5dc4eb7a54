"""Changes of items and users in the streams of their tables and in the change log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.struct import struct

DELETED = 1 << 31
"""Value of `tie_break` for deletions, above the values of other changes."""


@struct
class Change:
    """Change of an item or a user. `properties` are all columns after the change, or None for a deletion."""

    entity_id: str
    updated_at_ms: int
    properties: Mapping[str, Any] | None

    @property
    def deleted(self) -> bool:
        return self.properties is None

    @property
    def precedence(self) -> tuple[int, int]:
        """Sort key of an entity's changes.

        The latest change wins. At equal times, a deletion wins, then the highest hash.

        The key depends only on the change, so the order of delivery does not affect the result.
        """
        return self.updated_at_ms, self.tie_break

    @property
    def tie_break(self) -> int:
        if self.properties is None:
            return DELETED
        content = orjson.dumps(self.properties, default=dict, option=orjson.OPT_SORT_KEYS)
        return int.from_bytes(hashlib.blake2b(content, digest_size=4).digest(), "little") >> 1

"""Changes of items and users, from the tables' streams and in the change log; the newest wins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.struct import struct

DELETED = 1 << 31
"""The lowest `tie_break` of a deletion; those of other changes are below."""


@struct
class Change:
    """A change of an item or a user.

    Attributes
    ----------
    entity_id
        The item's or the user's id.
    properties
        All columns after the change; None for a deletion.
    """

    entity_id: str
    updated_at_ms: int
    properties: Mapping[str, Any] | None

    @property
    def deleted(self) -> bool:
        """True if the change deletes the item or user."""
        return self.properties is None

    @property
    def precedence(self) -> tuple[int, int]:
        """Sort key for the changes of one item: the latest wins, at equal times a deletion, else a hash decides.

        It depends on the change only, so any order of delivery gives the same result.
        """
        return self.updated_at_ms, self.tie_break

    @property
    def tie_break(self) -> int:
        """An unsigned 32-bit number: the highest bit for a deletion, the others a hash of the contents."""
        if self.properties is None:
            return DELETED
        content = orjson.dumps(self.properties, default=dict, option=orjson.OPT_SORT_KEYS)
        return int.from_bytes(hashlib.blake2b(content, digest_size=4).digest(), "little") >> 1

"""Removal of records from an object with several records."""

from __future__ import annotations

from collections.abc import Iterable

from alsolike.privacy.user_matcher import Owner


class Removal:
    """Owners of the removed records, and the remaining content, which is None if no record remains."""

    def __init__(self, owners: Iterable[Owner], rest: bytes | None) -> None:
        self.owners = [owner for owner in owners if owner is not Owner.OTHER]
        self.rest = rest

"""The stores of the requesting users."""

from __future__ import annotations

from typing import Protocol

from alsolike.catalogue.users import UserStore
from alsolike.privacy.pseudonyms import IdPolicy
from alsolike.profiles.store import Profile
from alsolike.runtime.struct import struct


class ProfileReader(Protocol):
    """A reader of live profiles, such as `alsolike.profiles.store.ProfileStore`."""

    def read(self, profile_id: str, /, *, length: int) -> Profile:
        """Return a profile with its latest interactions, an empty one for an unknown ID.

        Raises
        ------
        Unavailable
            If it cannot be read.
        """


@struct
class UserStores:
    """The stores of profiles and users, and the rule for their ids."""

    ids: IdPolicy
    profiles: ProfileReader
    users: UserStore

"""Stores of the requesting users and of the actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.catalogue.users import UserStore
from alsolike.privacy.pseudonyms import IdPolicy
from alsolike.profiles.profile import Profile
from alsolike.profiles.store import ProfileStore
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.struct import struct


class ProfileReader(Protocol):
    """Reader of live profiles, such as `alsolike.profiles.store.ProfileStore`."""

    def read(self, profile_id: str, /, *, length: int) -> Profile:
        """Return a profile with its latest interactions. An unknown ID has an empty profile.

        Raises
        ------
        Unavailable
            If the profile cannot be read.
        """


@struct
class UserStores:
    """Stores of profiles and users, and the policy for their IDs."""

    ids: IdPolicy
    profiles: ProfileReader
    users: UserStore


class ActionReader(PolledValue[Sequence[Action]]):
    """Polled value of all actions, read with the first request for actions. Empty if they were never read.

    `is_partial` is true if some stored entries are not actions.
    """

    def __init__(self, client: Any, bucket: str, *, polling: Polling) -> None:
        self._store = ActionStore(client, bucket)
        super().__init__(self._read_actions, name="actions", polling=polling, default=())

    def _read_actions(self, _: Callable[[], float]) -> Sequence[Action]:
        stored = self._store.read()
        self.is_partial = bool(stored.unreadable)
        return stored.actions


@struct
class ActionSources:
    """All actions, and the store of users' events with actions."""

    actions: PolledValue[Sequence[Action]]
    profiles: ProfileStore

"""Stores of the requesting users and of the actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.catalogue.users import UserStore
from alsolike.privacy.pseudonyms import IdPolicy, Pseudonyms
from alsolike.profiles.impressions import Impressions, ImpressionStore
from alsolike.profiles.profile import Profile
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.struct import struct


class ProfileReader(Protocol):
    def read(self, profile_id: str, /, *, length: int) -> Profile:
        """Return a profile with its latest interactions. An unknown ID has an empty profile.

        Raise `Unavailable` if the profile cannot be read.
        """


class ImpressionReader:
    """Reader of the impressions of users and sessions. The profile table stores them by keyed hash.

    `hashes` takes the current time (epoch milliseconds). It returns the hash function, or None if the key cannot be
    read.
    """

    def __init__(self, store: ImpressionStore, ids: IdPolicy, hashes: Callable[[int], Pseudonyms | None]) -> None:
        self._store, self._ids, self._hashes = store, ids, hashes

    def read(self, user_id: str | None, session_id: str, *, since_ms: int, now_ms: int) -> Sequence[Impressions]:
        """Return the impressions of a user, or of a session without a user.

        Raise `Unavailable` if they cannot be read.
        """
        hashes = self._hashes(now_ms)
        if hashes is None:
            raise Unavailable("the key of the hashes cannot be read")
        user, session = self._ids.logged(hashes, user_id, session_id)
        return self._store.read(user or session or "", since_ms=since_ms)


@struct
class UserStores:
    """Stores of profiles and users, and the policy for their IDs. If `impressions` is None, no seen item is demoted."""

    ids: IdPolicy
    profiles: ProfileReader
    users: UserStore
    impressions: ImpressionReader | None = None


class ActionReader(PolledValue[Sequence[Action]]):
    """Polled value of all actions. Empty if they were never read.

    `is_partial` is true if some stored entries are not actions.
    """

    def __init__(self, client: S3Client, bucket: str, *, polling: Polling) -> None:
        self._store = ActionStore(client, bucket)
        super().__init__(self._read_actions, name="actions", polling=polling, default=())

    def _read_actions(self, _: Callable[[], float]) -> Sequence[Action]:
        stored = self._store.read()
        self.is_partial = bool(stored.unreadable)
        return stored.actions


@struct
class ActionSources:
    actions: PolledValue[Sequence[Action]]
    profiles: ProfileStore

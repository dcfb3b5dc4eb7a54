"""The requesting user: the live profile and the shop's properties, each read once and only on demand."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from botocore.exceptions import ConnectionClosedError

from alsolike.catalogue.users import UserStore
from alsolike.events.interactions import profile_id
from alsolike.privacy.pseudonyms import IdPolicy
from alsolike.profiles.store import Profile, RecentInteraction
from alsolike.runtime.errors import NotFound, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct

PROFILE_UNAVAILABLE = "profile-unavailable"
USER_UNAVAILABLE = "user-unavailable"

NO_PROFILE = Profile("")


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


class RequestUser:
    """The user or session of one request.

    Parameters
    ----------
    session_id
        Set if a session's token identifies the caller. Then `user_id` is always a user; else it may be a session.
    length
        Maximum number of interactions to read.
    """

    def __init__(self, people: UserStores, *, user_id: str | None, session_id: str | None, length: int) -> None:
        self._people = people
        self._length = length
        self._user_id = user_id
        self._session_id = user_id if session_id is None else session_id
        self._failed_reads: dict[str, None] = {}

    @functools.cached_property
    def profile(self) -> Profile:
        """The profile of the user or session; an empty one if it cannot be read."""
        ids = self._people.ids
        profile = NO_PROFILE
        try:
            if self._user_id is not None:
                profile = self._read(profile_id(user_id=ids.user(self._user_id), session_id=None))
            if not profile.recent and self._session_id is not None:
                of_session = self._read(profile_id(user_id=None, session_id=ids.session(self._session_id)))
                profile = dataclasses.replace(of_session, erased=profile.erased)
        except Unavailable as error:
            logger.error("profile cannot be read", reason=str(error))
            self._failed_reads[PROFILE_UNAVAILABLE] = None
        return profile

    @property
    def degraded(self) -> tuple[str, ...]:
        """The reads that have failed so far."""
        return tuple(self._failed_reads)

    @property
    def interactions(self) -> Sequence[RecentInteraction]:
        """The user's latest interactions, oldest first, for callers that cannot work without them.

        Raises
        ------
        Unavailable
            If they cannot be read.
        """
        if self.is_unavailable:
            raise Unavailable("the user's interactions cannot be read")
        return self.profile.recent

    @property
    def is_unavailable(self) -> bool:
        """True if the profile cannot be read."""
        return not self.profile.recent and PROFILE_UNAVAILABLE in self._failed_reads

    @functools.cached_property
    def properties(self) -> Mapping[str, Any]:
        """The shop's properties of the user; empty for an erased user, whose row may still be stored.

        Raises
        ------
        Unavailable
            If it cannot be read.
        """
        if self._user_id is None or self.profile.erased:
            return {}
        try:
            return self._people.users.get(self._people.ids.user(self._user_id)).row.properties
        except NotFound:
            return {}
        except Unavailable as error:
            logger.error("user cannot be read", reason=str(error))
            self._failed_reads[USER_UNAVAILABLE] = None
            raise

    def _read(self, profile: str) -> Profile:
        """Read a profile; repeat the read once if DynamoDB had closed the connection, which costs no waiting."""
        try:
            return self._people.profiles.read(profile, length=self._length)
        except Unavailable as error:
            if not isinstance(error.__cause__, ConnectionClosedError):
                raise
            return self._people.profiles.read(profile, length=self._length)

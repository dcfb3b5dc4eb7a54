"""Stored data about the user or session of a request."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from botocore.exceptions import ConnectionClosedError

from alsolike.configuration.columns import as_declared
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.degraded_reasons import IMPRESSIONS_UNAVAILABLE, PROFILE_UNAVAILABLE, USER_UNAVAILABLE
from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX
from alsolike.profiles.batch_writes import threads
from alsolike.profiles.impressions import Impressions
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.runtime.errors import NotFound, Unavailable
from alsolike.runtime.observability import logger
from functions.recommend.resolve import ResolvedRequest
from functions.recommend.state.stores import UserStores

NO_PROFILE = Profile("")
NO_CONTEXT: Mapping[str, str] = MappingProxyType({})
NO_COLUMNS: Mapping[str, ColumnType] = MappingProxyType({})


class StoredUser:
    """User or session. Profile and properties are read on first use.

    If a session token identifies the caller, `session_id` is given, and `user_id` is a user ID, or None for a visitor
    who is not logged in. Without a token, `user_id` may be a session ID. The request's properties, `context`, override
    stored properties. `length` is the maximum number of interactions to read.
    """

    def __init__(
        self,
        stores: UserStores,
        *,
        user_id: str | None,
        session_id: str | None,
        length: int,
        context: Mapping[str, str] = NO_CONTEXT,
        column_types: Mapping[str, ColumnType] = NO_COLUMNS,
        impressions: Callable[[], Sequence[Impressions]] = tuple,
    ) -> None:
        self._stores = stores
        self._context = context
        self._column_types = column_types
        self._impressions = impressions
        self._length = length
        self._user_id = user_id
        self._session_id = user_id if session_id is None else session_id
        self._failed_reads: dict[str, None] = {}

    @functools.cached_property
    def profile(self) -> Profile:
        """Profile of the user, else of the session if the user has no interactions. Empty if it cannot be read."""
        ids = self._stores.ids
        profile = NO_PROFILE
        try:
            if self._user_id is not None:
                profile = self._read(f"{USER_PREFIX}{ids.user(self._user_id)}")
            if not profile.recent and self._session_id is not None:
                session_profile = self._read(f"{SESSION_PREFIX}{ids.session(self._session_id)}")
                profile = dataclasses.replace(session_profile, erased=profile.erased)
        except Unavailable as error:
            logger.error("profile cannot be read", reason=str(error))
            self._failed_reads[PROFILE_UNAVAILABLE] = None
        return profile

    @property
    def degraded(self) -> tuple[str, ...]:
        return tuple(self._failed_reads)

    @property
    def interactions(self) -> Sequence[RecentInteraction]:
        """Latest interactions of the user, oldest first. Raises `Unavailable` if they cannot be read."""
        if self.is_unavailable:
            raise Unavailable("the user's interactions cannot be read")
        return self.profile.recent

    @property
    def is_unavailable(self) -> bool:
        return not self.profile.recent and PROFILE_UNAVAILABLE in self._failed_reads

    @functools.cached_property
    def properties(self) -> Mapping[str, Any]:
        """Stored properties of the user. Empty without a user ID or row, and for an erased user, whose row may exist.

        Raises `Unavailable` if they cannot be read.
        """
        if self._user_id is None or self.profile.erased:
            return {}
        try:
            return self._stores.users.get(self._stores.ids.user(self._user_id)).row.properties
        except NotFound:
            return {}
        except Unavailable as error:
            logger.error("user cannot be read", reason=str(error))
            self._failed_reads[USER_UNAVAILABLE] = None
            raise

    @functools.cached_property
    def impressions(self) -> Sequence[Impressions]:
        """Lists of items that the user saw. Empty if they cannot be read."""
        try:
            return self._impressions()
        except Unavailable as error:
            logger.error("impressions cannot be read", reason=str(error))
            self._failed_reads[IMPRESSIONS_UNAVAILABLE] = None
            return ()

    def columns(self) -> Mapping[str, Any]:
        stored: Mapping[str, Any] = {}
        if not self.is_unavailable:  # Otherwise the request would wait for DynamoDB a second time.
            with contextlib.suppress(Unavailable):  # The failure is recorded in `degraded`.
                stored = self.properties
        return as_declared({**stored, **self._context}, self._column_types)

    def _read(self, profile: str) -> Profile:
        """Read a profile. Repeat the read if DynamoDB has closed the connection, because this failure takes no time."""
        try:
            return self._stores.profiles.read(profile, length=self._length)
        except Unavailable as error:
            if not isinstance(error.__cause__, ConnectionClosedError):
                raise
            return self._stores.profiles.read(profile, length=self._length)


def stored_user(resolved: ResolvedRequest, stores: UserStores) -> StoredUser:
    request = resolved.request
    return StoredUser(
        stores,
        user_id=request.user_id,
        session_id=request.session_id,
        length=resolved.configuration.limits.history_length,
        context=request.context,
        column_types=resolved.configuration.user_columns,
        impressions=_impressions(resolved, stores),
    )


def _impressions(resolved: ResolvedRequest, stores: UserStores) -> Callable[[], Sequence[Impressions]]:
    """Start to read the impressions in a thread if the recommender demotes seen items.

    Return a function that waits for the impressions.
    """
    request, now_ms = resolved.request, resolved.now_ms
    fatigue = resolved.configuration.recommenders[request.recommender].fatigue
    session_id = request.user_id if request.session_id is None else request.session_id
    if fatigue is None or stores.impressions is None or session_id is None:
        return tuple
    read = functools.partial(stores.impressions.read, request.user_id, session_id, now_ms=now_ms)
    return threads().submit(read, since_ms=now_ms - fatigue.lifetime_ms).result

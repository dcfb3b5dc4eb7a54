"""Profiles in memory, and a batch of records that updates them."""

import dataclasses
from collections.abc import Sequence
from typing import cast

from alsolike.events.interactions import Interaction
from alsolike.events.stream import ConfigurationSource, stream_records
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.profiles.store import Profile, ProfileStore, RecentInteraction
from alsolike.runtime.clients import ProfileClient
from alsolike.runtime.errors import Unavailable
from functions.update_profiles.service import UpdateResult, update_profiles
from tests.builders.configurations import Applied
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event


class MemoryStore(ProfileStore):
    """Profiles in memory; those of `failing` cannot be reached."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        super().__init__(cast(ProfileClient, None), "memory")
        self.profiles: dict[str, Profile] = {}
        self.failing = failing
        self.written: list[str] = []

    def read(self, profile_id: str, *, consistent: bool = False) -> Profile:
        if profile_id in self.failing:
            raise Unavailable("profile table profiles: throttled")
        return self.profiles.get(profile_id, Profile(profile_id))

    def _replace(self, profile: Profile, *, now_ms: int) -> Profile | None:
        stored = self.read(profile.profile_id)
        if stored.revision != profile.revision:
            return stored
        self.profiles[profile.profile_id] = dataclasses.replace(profile, revision=profile.revision + 1)
        self.written.append(profile.profile_id)
        return None

    def contents(self) -> dict[str, tuple[RecentInteraction, ...]]:
        return {key: profile.recent for key, profile in self.profiles.items() if profile.recent}

    def items(self, profile_id: str) -> list[str]:
        return [entry.item_id for entry in self.profiles[profile_id].recent]


def update(
    store: ProfileStore,
    records: Sequence[Interaction | bytes],
    *,
    first: int = 0,
    configurations: ConfigurationSource | None = None,
    erased: IsErased = no_erased_users,
) -> UpdateResult:
    return update_profiles(
        stream_records(kinesis_event(records, first=first)),
        store=store,
        configurations=configurations or Applied(),
        now_ms=NOW_MS,
        erased=erased,
    )


def at(second: int, event_id: str, item_id: str, *, user: str | None = None) -> Interaction:
    time_ms = NOW_MS - 60_000 + 1000 * second
    return interaction(event_id, user_id=user, session_id="s1", item_id=item_id, event_time_ms=time_ms)

"""Profiles in memory, and a batch of records for these profiles."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import ClientError

from alsolike.events.interactions import Interaction
from alsolike.events.stream_records import ConfigurationSource, stream_records
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.profiles.profile import Profile, RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from functions.update_profiles.service import UpdateResult, update_profiles
from tests.builders.configurations import Applied
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.fakes import MemoryCloud
from tests.fakes.places import REGION, create_profiles_table

_numbers = itertools.count()


@functools.cache
def _dynamodb() -> Any:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    MemoryCloud().attach(session._session)
    return session.client("dynamodb")


class MemoryStore(ProfileStore):
    """Profiles in a table in memory. Writes of the profiles `failing` are throttled."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.table = f"profiles-{next(_numbers)}"
        create_profiles_table(_dynamodb(), self.table)
        self.client = _Throttled(_dynamodb(), failing)
        super().__init__(self.client, self.table, pause=lambda seconds: None)

    @property
    def profiles(self) -> dict[str, Profile]:
        return {profile.profile_id: profile for profile in self.scan(length=None)}

    def contents(self) -> dict[str, tuple[RecentInteraction, ...]]:
        """Return the interactions of non-empty profiles."""
        return {key: self.read(key).recent for key, profile in self.profiles.items() if profile.recent}

    def items(self, profile_id: str, *, length: int | None = None) -> list[str]:
        """Return the items of a profile, oldest first."""
        return [entry.item_id for entry in self.read(profile_id, length=length).recent]


class _Throttled:
    """DynamoDB client that rejects writes to some partitions."""

    def __init__(self, client: Any, partitions: Sequence[str]) -> None:
        self._client = client
        self._partitions = partitions
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._client, name)

    def put_item(self, **request: Any) -> Any:
        if request["Item"]["profile_id"]["S"] in self._partitions:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        return self._client.put_item(**request)

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        """Write the items of other partitions, and return the rest as unprocessed."""
        self.calls.append("batch_write_item")
        ((table, requests),) = RequestItems.items()
        left = [each for each in requests if each["PutRequest"]["Item"]["profile_id"]["S"] in self._partitions]
        rest = [each for each in requests if each not in left]
        if rest:
            self._client.batch_write_item(RequestItems={table: rest})
        return {"UnprocessedItems": {table: left} if left else {}}


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

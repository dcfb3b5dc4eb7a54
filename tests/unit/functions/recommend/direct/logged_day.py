"""Shop with a recommendation log and a lake, for replays of a day."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.users import User, UserStore
from alsolike.configuration.configuration import Fatigue
from alsolike.lake import partitions, served
from alsolike.profiles.impressions import Impressions, ImpressionStore
from alsolike.profiles.profile import RecentInteraction
from alsolike.profiles.profile_table import ProfileStore
from alsolike.records.served_response import ServedResponse
from alsolike.runtime.s3 import S3Object
from operations.client.deployment import Deployment
from operations.day_replay.replaying import DayReplay, replay_day
from tests.builders.parquet import INTERACTIONS, SERVED, parquet
from tests.unit.functions.recommend.shop import Shop


@dataclasses.dataclass
class LoggedDay:
    """Shop that archives its responses and events. `printed` returns the standard output since its last call."""

    shop: Shop
    deployment: Deployment
    printed: Callable[[], str]
    objects: int = 0

    def view(
        self,
        user_id: str | None,
        item_id: str,
        *,
        session_id: str | None = None,
        in_profile: bool = True,
        days_ago: int = 0,
    ) -> None:
        self.objects += 1
        now_ms = time.time_ns() // 1_000_000 - days_ago * 86_400_000
        event_id = f"{self.objects}-{item_id}"
        row = {
            "event_id": event_id, "user_id": user_id, "session_id": session_id, "item_id": item_id,
            "event_type": "view", "event_time_ms": now_ms, "received_time_ms": now_ms, "schema_version": 2,
        }  # fmt: skip
        key = f"{partitions.partition_prefix(partitions.event_date(now_ms))}{self.objects}.parquet"
        self._write(key, [row], INTERACTIONS)
        if in_profile:
            profile = f"s#{session_id}" if user_id is None else f"u#{user_id}"
            store = ProfileStore(self.shop.dynamodb, self.shop.profiles_table)
            store.add(profile, [RecentInteraction(now_ms, event_id, item_id, "view")], now_ms=now_ms)

    def register(self, user_id: str, **properties: Any) -> None:
        self.objects += 1
        now_ms = time.time_ns() // 1_000_000
        UserStore(self.shop.dynamodb, self.shop.users_table).put([User(user_id, properties)], now_ms=now_ms)
        date = partitions.event_date(now_ms)
        name = {"shard": "0", "first_sequence": str(self.objects), "last_sequence": str(self.objects)}
        key = change_log.object_key(ChangeKind.USER, date, **name)
        change = change_log.encode(ChangeKind.USER, [Change(user_id, now_ms, properties)])
        S3Object(self.shop.s3, self.deployment.names.lake_bucket, key).write(change, content_type=None)

    def see(self, shopper: str, user_id: str, item_id: str, *, in_profile: bool = True) -> None:
        """Store an event with an impression in the lake, and if `in_profile`, the impression in the profile table."""
        self.objects += 1
        now_ms = time.time_ns() // 1_000_000
        event_id = f"{self.objects}-seen"
        row = {
            "event_id": event_id, "user_id": user_id, "event_type": "search", "impression": [item_id],
            "event_time_ms": now_ms, "received_time_ms": now_ms, "schema_version": 2,
        }  # fmt: skip
        key = f"{partitions.partition_prefix(partitions.event_date(now_ms))}{self.objects}.parquet"
        self._write(key, [row], INTERACTIONS)
        if in_profile:
            seen = Impressions(shopper, event_id, event_id, now_ms, (item_id,), is_reported=True)
            ImpressionStore(self.shop.dynamodb, self.shop.profiles_table).add([seen], Fatigue(5, 24))

    def archive(self) -> list[ServedResponse]:
        """Write the responses since the last call to the log in the lake, and return them."""
        lines = [line for line in self.printed().splitlines() if line.startswith('{"served"')]
        rows = list(map(served.read_line, lines))
        self.objects += 1
        for date in {served.served_date(row.served_ms) for row in rows}:
            same = [row for row in rows if served.served_date(row.served_ms) == date]
            values = [dataclasses.asdict(row) for row in same]
            self._write(f"{served.partition_prefix(date)}{self.objects}.parquet", values, SERVED)
        return rows

    def replay(
        self,
        *,
        model: str | None = None,
        draft: Mapping[str, Any] | None = None,
        code: Path | None = None,
        sample: int | None = None,
    ) -> DayReplay:
        self.archive()
        day = dt.datetime.fromtimestamp(time.time_ns() / 1e9, dt.UTC).date()
        document = None if draft is None else {"format": 1, **draft}
        return replay_day(self.deployment, day, model=model, draft=document, code=code, sample=sample)

    def _write(self, key: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
        S3Object(self.shop.s3, self.deployment.names.lake_bucket, key).write(parquet(rows, schema), content_type=None)

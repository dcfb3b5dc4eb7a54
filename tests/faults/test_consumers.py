"""The stream's consumers, killed at every step and refused by every service: nothing lost, nothing doubled."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from alsolike import lake
from alsolike.profiles import ProfileStore
from tests.faults.conftest import Shop
from tests.faults.proxy import BROKEN, THROTTLED, throttled_times
from tests.unit.functions.factories import NOW_MS, interaction, kinesis_event

DAY_MS = 86_400_000
BATCH = kinesis_event(
    [
        interaction("browsed", user_id=None, session_id="s1", item_id="pear", event_time_ms=NOW_MS - 9_000),
        interaction("bought", user_id="anna", session_id="s1", item_id="fig", event_time_ms=NOW_MS - 8_000),
        interaction("late", user_id="anna", session_id="s1", item_id="kiwi", event_time_ms=NOW_MS - DAY_MS),
        interaction("other", user_id="bert", session_id="s2", item_id="pear", event_time_ms=NOW_MS - 7_000),
        b"no record at all",
    ]
)

State = Callable[[Shop], Any]


def profiles(shop: Shop) -> Any:
    """Return who has seen what, whatever the number of writes it took."""
    store = ProfileStore(shop.dynamodb, "profiles")
    found = {row["profile_id"]["S"]: store.read(row["profile_id"]["S"]).recent for row in shop.rows("profiles")}
    return {profile_id: recent for profile_id, recent in found.items() if recent}


def archived(shop: Shop) -> Any:
    """Return what a reader of the lake sees, and the quarantine."""
    tables = [
        pq.read_table(io.BytesIO(content)).to_pandas()
        for content in shop.objects("lake-bucket", "interactions/").values()
    ]
    rows = lake.deduplicate(pd.concat(tables)).sort_values("event_id") if tables else pd.DataFrame()
    return rows.to_json(orient="records"), shop.objects("lake-bucket", "quarantine/")


def trending(shop: Shop) -> Any:
    """Return the counters of each shard."""
    return shop.objects("artefact-bucket", "trends/")


CONSUMERS = pytest.mark.parametrize(
    ("function", "state"),
    [("update_profiles", profiles), ("archive_events", archived), ("count_trends", trending)],
)


@CONSUMERS
def test_killed_at_any_step_the_batch_counts_once(shop: Shop, function: str, state: State) -> None:
    shop.killed_everywhere(function, BATCH, state=state, before=lambda: None)


@CONSUMERS
def test_a_batch_that_comes_ten_times_counts_once(shop: Shop, function: str, state: State) -> None:
    shop.run(function, BATCH)
    once = state(shop)

    for _ in range(9):
        shop.run(function, BATCH)

    assert state(shop) == once


@CONSUMERS
@pytest.mark.parametrize("answers", [THROTTLED, BROKEN], ids=["throttled", "broken"])
def test_a_store_that_refuses_for_a_while_costs_time_alone(
    shop: Shop, function: str, state: State, answers: dict[str, tuple[int, bytes]]
) -> None:
    shop.run(function, BATCH)
    undisturbed = state(shop)
    shop.reset()
    service = "dynamodb" if function == "update_profiles" else "s3"

    done = shop.run(function, BATCH, plan=throttled_times(2, answers=answers, service=service))

    assert done.answer == {"batchItemFailures": []}
    assert 0 < done.paused_s < 60
    assert state(shop) == undisturbed

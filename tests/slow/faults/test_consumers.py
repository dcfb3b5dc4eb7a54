"""Consumers lose no event and count none twice if they are killed at any call, or if their store rejects two calls."""

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.lake.duplicates import deduplicate
from alsolike.profiles.profile_table import ProfileStore
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.slow.faults.proxy import BROKEN, THROTTLED, throttled_times
from tests.slow.faults.stores import Stores

BATCH = kinesis_event(
    [
        interaction("browsed", user_id=None, session_id="s1", item_id="pear", event_time_ms=NOW_MS - 9_000),
        interaction("bought", user_id="anna", session_id="s1", item_id="fig", event_time_ms=NOW_MS - 8_000),
        interaction("late", user_id="anna", session_id="s1", item_id="kiwi", event_time_ms=NOW_MS - DAY_MS),
        interaction("other", user_id="bert", session_id="s2", item_id="pear", event_time_ms=NOW_MS - 7_000),
        b"no record at all",
    ]
)

State = Callable[[Stores], Any]


def profiles(stores):
    """Return the merged interactions of each non-empty profile, which do not depend on the number of writes."""
    store = ProfileStore(stores.dynamodb, "profiles")
    found = {row["profile_id"]["S"]: store.read(row["profile_id"]["S"]).recent for row in stores.rows("profiles")}
    return {profile_id: recent for profile_id, recent in found.items() if recent}


def archived(stores):
    tables = [
        pq.read_table(io.BytesIO(content)).to_pandas()
        for content in stores.objects("lake-bucket", "interactions/").values()
    ]
    rows = deduplicate(pd.concat(tables)).sort_values("event_id") if tables else pd.DataFrame()
    return rows.to_json(orient="records"), stores.objects("lake-bucket", "quarantine/")


def trending(stores):
    return stores.objects("artefact-bucket", "trends/")


CONSUMERS = pytest.mark.parametrize(
    ("function", "state"),
    [
        pytest.param("update_profiles", profiles, marks=pytest.mark.ci),
        ("archive_events", archived),
        ("count_trends", trending),
    ],
)


@CONSUMERS
def test_batch_killed_at_any_step_counts_once(stores, function, state):
    stores.killed_everywhere(function, BATCH, state=state)


@CONSUMERS
def test_batch_delivered_ten_times_counts_once(stores, function, state):
    stores.run(function, BATCH)
    once = state(stores)

    for _ in range(9):
        stores.run(function, BATCH)

    assert state(stores) == once


@CONSUMERS
@pytest.mark.parametrize("answers", [THROTTLED, BROKEN], ids=["throttled", "broken"])
def test_temporarily_failing_store_only_delays_the_batch(stores, function, state, answers):
    stores.run(function, BATCH)
    undisturbed = state(stores)
    stores.reset()
    service = "dynamodb" if function == "update_profiles" else "s3"

    done = stores.run(function, BATCH, plan=throttled_times(2, answers=answers, service=service))

    assert done.answer == {"batchItemFailures": []}
    assert 0 < done.paused_s < 60
    assert state(stores) == undisturbed

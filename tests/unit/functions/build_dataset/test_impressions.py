"""Logged responses with outcomes in a dataset."""

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.events.stream_records import stream_records
from alsolike.lake.served import partition_prefix, served_date
from functions.archive_served.service import to_parquet
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event
from tests.builders.parquet import table_of
from tests.builders.served_rows import served


@pytest.fixture
def build(dataset, aws, archived, lake_bucket, pseudonyms):
    """Return a function that builds a dataset from a response and events that reference it.

    The function returns the rows of `impressions.parquet`.
    """

    def rows(*events, user="user0", **fields):
        row = response(shopper=pseudonyms.shopper(user), **fields)
        key = f"{partition_prefix(served_date(row.served_ms))}a.parquet"
        aws("s3").put_object(Bucket=lake_bucket, Key=key, Body=to_parquet([row, row]))
        named = [
            interaction(
                f"c{n}",
                session_id=None,
                recommendation_id=row.recommendation_id,
                **{"user_id": "user0", "event_time_ms": row.served_ms + 1000, **event},
            )
            for n, event in enumerate(events)
        ]
        archived(stream_records(kinesis_event(named, first=100)))
        content = dataset().get("impressions.parquet")
        return [] if content is None else table_of(content).to_pylist()

    return rows


def response(**fields):
    return served(
        **{
            "served_ms": NOW_MS - 8 * DAY_MS,
            "item_ids": ["kiwi", "pear", "plum", "fig"],
            "origins": ["pinned", "ranked", "ranked", "filled"],
            "propensities": [None] * 4,
            "scores": [None, 2.0, 1.5, None],
            **fields,
        }
    )


def test_response_row_has_ranked_items_and_outcomes(build):
    (row,) = build(
        {"item_id": "plum"},
        {"item_id": "plum", "event_type": "purchase", "event_value": 4.5},
        {"item_id": "kiwi"},  # The model did not rank this item.
        device="phone",
    )

    assert row == {
        "profile_id": "u#user0", "served_ms": NOW_MS - 8 * DAY_MS, "device": "phone", "item_ids": ["pear", "plum"],
        "scores": [2.0, 1.5], "places": [1, 2], "pairs": [], "outcome_item_ids": ["plum", "plum"],
        "outcome_types": ["click", "purchase"], "outcome_values": [0.0, 4.5],
    }  # fmt: skip


def test_randomised_pairs_are_read_from_the_log(build):
    (row,) = build(
        {"item_id": "plum"},
        item_ids=["kiwi", "pear", "plum", "fig"],
        origins=["ranked", "paired", "paired", "ranked"],
        propensities=[None, 0.5, 1.0, None],
        scores=[4.0, 3.0, 2.0, 1.0],
    )

    assert (row["places"], row["pairs"]) == ([0, 1, 2, 3], [1])


def test_items_after_position_50_are_dropped(build):
    many = {
        "item_ids": [f"i{place}" for place in range(60)],
        "origins": ["pinned", *["ranked"] * 59],
        "propensities": [None] * 60,
        "scores": [None, *np.arange(59.0, 0, -1).tolist()],
    }

    (row,) = build({"item_id": "i1"}, {"item_id": "i50"}, **many)

    assert row["places"] == list(range(1, 50))
    assert row["outcome_item_ids"] == ["i1"]


def test_days_without_referenced_response_are_not_read(build, aws, lake_bucket):
    key = f"{partition_prefix(served_date(NOW_MS))}a.parquet"
    aws("s3").put_object(Bucket=lake_bucket, Key=key, Body=b"never read")

    assert len(build({"item_id": "plum"})) == 1


def test_response_limit_counts_only_for_you_responses(build, archived, monkeypatch):
    monkeypatch.setattr("functions.build_dataset.impressions.MAX_RESPONSES", 1)
    archived(naming(served(recommender="popular"), served(recommender="popular")))

    assert len(build({"item_id": "plum"})) == 1


def test_responses_before_the_oldest_day_read_are_dropped(build, archived, monkeypatch):
    monkeypatch.setattr("functions.build_dataset.impressions.MAX_RESPONSES", 1)
    archived(naming(served()))

    assert build({"item_id": "plum", "event_time_ms": NOW_MS}, served_ms=NOW_MS - DAY_MS) == []


def naming(*responses):
    """Return one stream record per response, with an event at `NOW_MS` that references the response."""
    named = [
        interaction(f"n{n}", event_time_ms=NOW_MS, recommendation_id=row.recommendation_id)
        for n, row in enumerate(responses)
    ]
    return stream_records(kinesis_event(named, first=50))


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ({"event_time_ms": NOW_MS}, {}),  # The event occurs eight days after the response.
        ({"user_id": "user1"}, {}),  # The event belongs to another user.
        ({"event_type": "cart"}, {}),
        ({"event_value": 2e9}, {}),  # Attribution ignores events with values above `MAX_EVENT_VALUE`.
        ({}, {"user": "stranger"}),  # This user is not in the dataset.
        ({}, {"recommender": "popular"}),
        ({}, {"scores": None}),
    ],
)
def test_unmatched_responses_and_events_are_ignored(build, event, fields):
    assert build({"item_id": "plum", **event}, **fields) == []


@pytest.mark.parametrize(("event_agent", "response_agent"), [("assistant", None), (None, "assistant")])
def test_event_or_response_of_an_agent_is_no_outcome(build, event_agent, response_agent):
    assert build({"item_id": "plum", "event_type": "click", "agent": event_agent}, agent=response_agent) == []

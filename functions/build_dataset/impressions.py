"""Logged responses with their outcomes, from the recommendation log and the events that reference it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.configuration import recommendation_id
from alsolike.configuration.configuration import Configuration
from alsolike.declarations.limits import MAX_EVENT_VALUE
from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import MAX_CLOCK_SKEW_MS
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.lake_objects import list_objects
from alsolike.lake.served import served_date
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.recommendations.request_fields import FOR_YOU
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import PAIRED, RANKED, SERVED_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import S3Object
from alsolike.training.dataset import MAX_PLACES, MAX_RESPONSES, outcome_type
from functions.build_dataset.lake_reader import read_objects

WINDOW_MS = 7 * DAY_MS
"""Time in milliseconds after a response in which outcomes count."""

_EVENTS = arrow_schema(
    pa, INTERACTIONS_COLUMNS, "event_id", "user_id", "session_id", "item_id", "event_type", "event_value",
    "event_time_ms", "recommendation_id",
)  # fmt: skip
_SERVED = arrow_schema(
    pa, SERVED_COLUMNS, "recommendation_id", "served_ms", "recommender", "shopper", "session", "item_ids", "origins",
    "propensities", "scores", "device",
)  # fmt: skip
IMPRESSIONS = pa.schema(
    [
        ("profile_id", pa.string()),
        ("served_ms", pa.int64()),
        ("device", pa.string()),
        ("item_ids", pa.list_(pa.string())),
        ("scores", pa.list_(pa.float64())),
        ("places", pa.list_(pa.int64())),
        ("pairs", pa.list_(pa.int64())),
        ("outcome_item_ids", pa.list_(pa.string())),
        ("outcome_types", pa.list_(pa.string())),
        ("outcome_values", pa.list_(pa.float64())),
    ]
)

CERTAIN = 1.0
"""Propensity of the second position of a randomly ordered pair, given the first position."""

Row = Mapping[str, Any]


def write_impressions(
    client: S3Client,
    bucket: str,
    target: S3Object,
    *,
    profiles: Callable[[], Iterable[str]],
    configuration: Configuration,
    pseudonyms: Callable[[], Pseudonyms],
) -> None:
    """Write the latest responses of `for-you` that have an outcome of the same user, oldest first, if there are any.

    Reading stops after the batch of rows that reaches `MAX_RESPONSES` responses. `profiles` returns the profile IDs of
    the dataset. Responses for other users, and responses without scores, are skipped. Raise `InvalidDataset` if an
    object is not a Parquet file with the table's types.
    """
    served = list(list_objects(client, bucket, prefix=SERVED_PREFIX))
    events = _events(client, bucket, first=served[0].date, configuration=configuration) if served else {}
    if not events:
        return
    hashes = pseudonyms()
    profile_of = {hashes.shopper(profile.partition("#")[2]): profile for profile in profiles()}
    named = pa.array(list(events))
    rows: dict[str, dict[str, Any]] = {}
    days = set(map(_for_you_date, events))
    listing = (listed for listed in reversed(served) if listed.date in days)
    for table in read_objects(client, bucket, listing, schema=_SERVED):
        is_kept = pc.and_(pc.equal(table["recommender"], FOR_YOU), pc.is_valid(table["scores"]))
        for row in table.filter(pc.and_(is_kept, pc.is_in(table["recommendation_id"], named))).to_pylist():
            profile = profile_of.get(row["shopper"]) or profile_of.get(row["session"])
            if profile is not None and row["recommendation_id"] not in rows:
                shown = _shown(row, profile, events[row["recommendation_id"]].values(), hashes)
                if shown is not None:
                    rows[row["recommendation_id"]] = shown
        if len(rows) >= MAX_RESPONSES:
            break
    if rows:
        body = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(sorted(rows.values(), key=lambda row: row["served_ms"]), IMPRESSIONS), body)
        target.write(body.getvalue().to_pybytes(), content_type=None)


def _shown(row: Row, profile: str, events: Iterable[Row], hashes: Pseudonyms) -> dict[str, Any] | None:
    """Return the ranked items of a response with its outcomes, or None if its user has no outcome."""
    shoppers = {row["shopper"], row["session"]}
    places = [
        place
        for place, (origin, score) in enumerate(
            zip(row["origins"][:MAX_PLACES], row["scores"][:MAX_PLACES], strict=True)
        )
        if origin in (RANKED, PAIRED) and score is not None
    ]
    item_ids = [row["item_ids"][place] for place in places]
    values: dict[tuple[str, str], float] = {}
    for event in events:
        is_in_time = -MAX_CLOCK_SKEW_MS <= event["event_time_ms"] - row["served_ms"] <= WINDOW_MS
        if event["item_id"] in item_ids and is_in_time and not shoppers.isdisjoint(_hashes(event, hashes)):
            outcome = event["item_id"], event["outcome"]
            values[outcome] = values.get(outcome, 0.0) + (event["event_value"] or 0.0)
    if not values:
        return None
    return {
        "profile_id": profile,
        "served_ms": row["served_ms"],
        "device": row["device"] or "",
        "item_ids": item_ids,
        "scores": [row["scores"][place] for place in places],
        "places": places,
        "pairs": [
            place for place in places if row["origins"][place] == PAIRED and row["propensities"][place] < CERTAIN
        ],
        "outcome_item_ids": [item_id for item_id, _ in values],
        "outcome_types": [outcome for _, outcome in values],
        "outcome_values": list(values.values()),
    }


def _hashes(event: Row, hashes: Pseudonyms) -> Iterator[str]:
    return (hashes.shopper(owner) for owner in (event["user_id"], event["session_id"]) if owner is not None)


def _events(
    client: S3Client, bucket: str, *, first: str, configuration: Configuration
) -> dict[str, dict[tuple[str, str | None], dict[str, Any]]]:
    """Return the outcomes of responses of `for-you` by recommendation ID, then by event ID and owner.

    Days are read completely, latest first, until at least twice `MAX_RESPONSES` responses are referenced. Responses of
    earlier days are dropped, because their outcomes are incomplete.
    """
    outcome_of = functools.cache(functools.partial(outcome_type, configuration=configuration))
    outcomes: dict[str, dict[tuple[str, str | None], dict[str, Any]]] = {}
    listing = [listed for listed in list_objects(client, bucket) if listed.date >= first]
    for date, objects in itertools.groupby(reversed(listing), key=lambda listed: listed.date):
        for table in read_objects(client, bucket, objects, schema=_EVENTS):
            is_named = pc.and_(pc.is_valid(table["recommendation_id"]), pc.is_valid(table["item_id"]))
            for row in table.filter(is_named).to_pylist():
                outcome = outcome_of(row["event_type"])
                value = row["event_value"]
                if (
                    outcome is not None
                    and (value is None or abs(value) <= MAX_EVENT_VALUE)  # False for NaN.
                    and _for_you_date(row["recommendation_id"]) is not None
                ):
                    key = row["event_id"], row["user_id"] or row["session_id"]
                    outcomes.setdefault(row["recommendation_id"], {}).setdefault(key, {**row, "outcome": outcome})
        if len(outcomes) >= 2 * MAX_RESPONSES:
            first = date
            break
    return {named: events for named, events in outcomes.items() if (_for_you_date(named) or "") >= first}


def _for_you_date(named: str) -> str | None:
    """Return the date of a response of `for-you`. None for other recommenders and invalid IDs."""
    try:
        parsed = recommendation_id.parse(named)
    except InvalidInput:
        return None
    return served_date(parsed.answered_ms) if parsed.recommender == FOR_YOU else None

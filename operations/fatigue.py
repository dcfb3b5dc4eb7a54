"""Estimate of the strength of fatigue from the clicks on logged recommendations."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from alsolike.configuration.configuration import Configuration, Fatigue
from alsolike.declarations.times import DAY_MS
from alsolike.lake.served import UNKNOWN
from alsolike.profiles.impressions import MAX_ITEMS, MAX_LISTS, Impressions, sightings
from alsolike.recommendations.request_fields import FOR_YOU
from alsolike.records.served_response import PAIRED, RANKED
from alsolike.runtime.errors import UnknownEventType
from operations.client.stored_ids import pseudonyms
from operations.configuration.deployed_configuration import live_configuration
from operations.recovery.lake_reader import LakeReader, read_log

if TYPE_CHECKING:
    from model_export.export.fatigue import FatigueEstimate
    from operations.client.deployment import Deployment

WINDOW_MS = 7 * DAY_MS
"""Time in milliseconds after a response in which clicks count."""

_CLICKS = ("click", "view")
_SERVED = (
    *("recommendation_id", "served_ms", "recommender", "shopper", "session"),
    *("item_ids", "origins", "propensities", "scores", "agent"),
)
_EVENTS = (
    *("event_id", "user_id", "session_id", "item_id", "event_type", "event_time_ms"),
    *("recommendation_id", "impression", "agent"),
)
Row = Mapping[str, Any]


def estimate_fatigue(
    deployment: Deployment, *, first: dt.date, last: dt.date, half_life_hours: float
) -> FatigueEstimate:
    """Estimate the strength of fatigue from the responses of `for-you` on the days (UTC) `first` to `last`.

    As in serving, only lists, impressions and interactions before a response count for the response.
    """
    from model_export.export.fatigue import estimate_strength

    configuration, fatigue = live_configuration(deployment), Fatigue(1.0, half_life_hours)
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    served_from = first - dt.timedelta(milliseconds=fatigue.lifetime_ms + DAY_MS)
    until = last + dt.timedelta(milliseconds=WINDOW_MS)
    responses: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    log = read_log(client, bucket, first=served_from.isoformat(), last=last.isoformat(), columns=_SERVED)
    for row in (row for table in log for row in table.to_pylist()):
        shopper = row["shopper"] or row["session"]
        if shopper is not None and shopper != UNKNOWN and row["item_ids"]:
            responses[shopper][row["recommendation_id"]] = row
    events: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    hashes = pseudonyms(deployment)
    lake = LakeReader(client, bucket, received_by_ms=None)
    # Events of declared agents are omitted.
    for table in lake.scan("interactions", _EVENTS, first=served_from.isoformat(), last=until.isoformat()):
        for row in table.filter(pc.is_null(table["agent"])).to_pylist():
            shopper = hashes.shopper(row["user_id"] or row["session_id"])
            if shopper in responses:
                events[shopper][row["event_id"]] = row
    since_ms = int(dt.datetime.combine(first, dt.time(), dt.UTC).timestamp() * 1000)
    clicked = [
        candidates
        for shopper, shopper_responses in responses.items()
        for candidates in clicked_responses(
            list(shopper_responses.values()), list(events[shopper].values()), configuration, fatigue, since_ms=since_ms
        )
    ]
    return estimate_strength(*_arrays(clicked))


class Candidates:
    """Ranked items of a clicked response, as parallel lists.

    Items of another origin, such as pinned items, and items without a score are omitted.
    """

    def __init__(self, row: Row, clicks: set[str], counts: Mapping[str, float], shopper: str) -> None:
        scores = row["scores"] or [None] * len(row["item_ids"])
        self.places = [
            place
            for place, (origin, score) in enumerate(zip(row["origins"], scores, strict=True))
            if origin in (RANKED, PAIRED) and score is not None
        ]
        items = [row["item_ids"][place] for place in self.places]
        self.shopper = shopper
        self.scores = [scores[place] for place in self.places]
        self.gains = [float(item in clicks) for item in items]
        self.sightings = [counts.get(item, 0.0) for item in items]
        self.opens_pair = [
            row["origins"][place] == PAIRED and row["propensities"][place] < 1 and place + 1 in self.places
            for place in self.places
        ]


def clicked_responses(
    rows: list[Row], events: list[Row], configuration: Configuration, fatigue: Fatigue, *, since_ms: int
) -> Iterator[Candidates]:
    """Yield the clicked responses of `for-you` to a shopper since `since_ms`.

    Skip responses with fewer than two ranked items, or without a click on a ranked item.
    """
    clicks: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    lists = [_list(row["recommendation_id"], row["served_ms"], row["item_ids"][:MAX_ITEMS]) for row in rows]
    reactions: defaultdict[str, list[int]] = defaultdict(list)
    for event in events:
        named, time_ms = event["recommendation_id"], event["event_time_ms"]
        if event["impression"]:
            lists.append(_list(named or event["event_id"], time_ms, event["impression"], is_reported=True))
        if event["item_id"] is not None:
            reactions[event["item_id"]].append(time_ms)
            if named is not None and _is_click(event["event_type"], configuration):
                clicks[named].add((event["item_id"], time_ms))
    lists.sort(key=lambda each: -each.time_ms)
    for row in rows:
        served_ms, named = row["served_ms"], row["recommendation_id"]
        if row["recommender"] != FOR_YOU or served_ms < since_ms:
            continue
        clicked = {item for item, time_ms in clicks[named] if 0 <= time_ms - served_ms <= WINDOW_MS}
        if not clicked:
            continue
        before = [each for each in lists if served_ms - fatigue.lifetime_ms <= each.time_ms < served_ms][:MAX_LISTS]
        reacted = {
            item: max(times)
            for item, all_times in reactions.items()
            if (times := [time_ms for time_ms in all_times if time_ms < served_ms])
        }
        counts = sightings(before, fatigue, reactions=reacted, now_ms=served_ms)
        candidates = Candidates(row, clicked, counts, row["shopper"] or row["session"])
        if len(candidates.places) > 1 and any(candidates.gains):
            yield candidates


def _list(list_id: str, time_ms: int, items: Sequence[str], *, is_reported: bool = False) -> Impressions:
    return Impressions("", list_id, list_id, time_ms, items, is_reported)


def _is_click(event_type: str, configuration: Configuration) -> bool:
    try:
        return configuration.canonical_event_type(event_type) in _CLICKS
    except UnknownEventType:
        return False


def _arrays(clicked: Sequence[Candidates]) -> tuple[Any, Any, Any]:
    """Return the arguments of `estimate_strength`."""
    from model_export.data.impressions import Impressions as Responses

    def column(name: str, kind: type) -> Any:
        return np.array([value for each in clicked for value in getattr(each, name)], kind)

    numbers = {shopper: number for number, shopper in enumerate(dict.fromkeys(each.shopper for each in clicked))}
    offsets = np.cumsum([0, *(len(each.places) for each in clicked)])
    responses = Responses(
        offsets,
        np.zeros((offsets[-1], 0)),
        (),
        np.zeros((len(clicked), 0), np.bool_),
        column("places", np.int64),
        column("scores", np.float64),
        column("gains", np.float64),
        column("opens_pair", np.bool_),
    )
    return responses, column("sightings", np.float64), np.array([numbers[each.shopper] for each in clicked], np.int64)

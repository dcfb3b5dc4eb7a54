"""Attribution as documented, one event after the other, as the reference for the real attribution."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import DAY_MS
from alsolike.records.interaction import COPY_ORDER
from alsolike.runtime.errors import InvalidInput
from functions.attribute_outcomes.attribution_rules import AttributionRules
from tests.builders.attribution import PSEUDONYMS

COLUMNS = {"view": "clicks", "click": "clicks", "cart": "carts", "purchase": "purchases"}
RETURN = "return"

Row = Mapping[str, Any]


@dataclasses.dataclass
class ResponseOutcomes:
    """Outcomes of a response by item, and also by viewer if the response has no user."""

    shown_ms: dict[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    items: dict[str, set[tuple[str, str]]] = dataclasses.field(
        default_factory=lambda: {name: set() for name in COLUMNS.values()}
    )
    bought: dict[tuple[str, str], float] = dataclasses.field(default_factory=lambda: defaultdict(float))
    returned: dict[tuple[str, str], float] = dataclasses.field(default_factory=lambda: defaultdict(float))

    def row(self) -> dict[str, Any]:
        numbers = {name: len(items) for name, items in self.items.items()}
        revenue = sum(value - min(value, self.returned[item]) for item, value in self.bought.items())
        shown_clicks = len(self.items["clicks"] & set(self.shown_ms))
        return {**numbers, "impressions": len(self.shown_ms), "shown_clicks": shown_clicks, "revenue": revenue}


def attributed(
    served: Sequence[Row], events: Sequence[Row], rules: AttributionRules, days: Sequence[int]
) -> tuple[dict[str, dict[str, Any]], dict[int, Counter[str]]]:
    """Return the outcomes of each response by ID, and the numbers of rejected events by day and reason.

    Parameters
    ----------
    events
        Events, including duplicates.
    days
        Days whose rejected events are counted, as numbers of days since 1970.
    """
    served_days = {row["served_ms"] // DAY_MS for row in served}
    answers = {row["recommendation_id"]: row for row in served}
    by_response = {each: ResponseOutcomes() for each in answers}
    rejected: dict[int, Counter[str]] = {day: Counter() for day in days}
    standing: list[Row] = []
    copies: dict[tuple[str, str], list[tuple[int, int, str, Row, str | None]]] = defaultdict(list)
    for event in events:
        if event["recommendation_id"] is not None:
            day, reason = _judged(event, answers, rules, served_days)
            order = json.dumps([event[name] or "" for name in COPY_ORDER if name in event])
            copies[event["event_id"], event["user_id"] or event["session_id"]].append(
                (event["received_time_ms"], day, order, event, reason)
            )
    for several in copies.values():
        _, day, _, event, reason = min(several, key=lambda copy: copy[:3])
        for other in {copy[1] for copy in several} - {day}:
            if other in rejected:
                rejected[other]["sent-again"] += 1
        if reason is None:
            standing.append(event)
        elif day in rejected:
            rejected[day][reason] += 1
    for event in standing:
        answer = answers[event["recommendation_id"]]
        shown_ms = by_response[event["recommendation_id"]].shown_ms
        for item in event["impression"]:
            if item in answer["item_ids"]:
                view = (item, _viewer(event, answer))
                shown_ms[view] = min(event["event_time_ms"], shown_ms.get(view, event["event_time_ms"]))
            else:
                rejected[answer["served_ms"] // DAY_MS]["shown-not-served"] += 1
    for event in standing:
        answer = answers[event["recommendation_id"]]
        kind, item, outcome = event["event_type"], event["item_id"], by_response[event["recommendation_id"]]
        if kind not in COLUMNS and kind != RETURN:
            continue
        counts, view = rejected[answer["served_ms"] // DAY_MS], (item, _viewer(event, answer))
        if item not in answer["item_ids"]:
            counts["not-served"] += 1
        elif event["event_time_ms"] < outcome.shown_ms.get(view, 0):
            counts["before-impression"] += 1
        else:
            if kind == RETURN:
                outcome.returned[view] += event["event_value"] or 0.0
            else:
                outcome.items[COLUMNS[kind]].add(view)
            if kind == "purchase":
                outcome.bought[view] += event["event_value"] or 0.0
    return {each: outcome.row() for each, outcome in by_response.items()}, rejected


def _viewer(event: Row, answer: Row) -> str:
    return event["user_id"] if answer["shopper"] is None else ""


def _judged(
    event: Row, answers: Mapping[str, Row], rules: AttributionRules, served_days: set[int]
) -> tuple[int, str | None]:
    """Return the day on which an event is counted, and the reason for its rejection, if any."""
    happened = event["event_time_ms"] // DAY_MS
    try:
        answered = recommendation_id.parse(event["recommendation_id"]).answered_ms // DAY_MS
    except InvalidInput:
        return happened, "forged"
    if happened < answered - 1:  # The clock skew, checked below, is less than a day.
        return happened, "before-served"
    if happened > answered + rules.window_days:
        return happened, "too-late"
    answer = answers.get(event["recommendation_id"])
    if answer is None:
        return answered if answered in served_days else happened, "unknown-answer"
    since_ms = event["event_time_ms"] - answer["served_ms"]
    if since_ms < -rules.clock_skew_ms:
        return answered, "before-served"
    if since_ms > rules.window_days * DAY_MS:
        return answered, "too-late"
    mine = answer["shopper"] in (None, PSEUDONYMS.shopper(event["user_id"]))
    return answered, None if mine else "other-shopper"

"""Random responses and events, and the check that attribution does not depend on their order of arrival."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import strategies as st

from alsolike.declarations.times import DAY_MS
from alsolike.lake import engagement, outcomes
from functions.attribute_outcomes.attribution_rules import AttributionRules
from functions.attribute_outcomes.inputs import DayReceiptStore, date_of
from tests.builders.attribution import DAY, SERVED_MS, Lake, answer, event
from tests.builders.naive_attribution import attributed
from tests.fakes.places import create_bucket

ITEMS = ["pear", "plum", "fig", "kiwi"]
USERS = ["anna", "bob"]
KINDS = ["view", "click", "cart", "purchase", "return", "search", "wish"]
DAYS = range(DAY - 3, DAY + 10)
RULES = AttributionRules(window_days=1)

_buckets = itertools.count()

item_lists = st.lists(st.sampled_from(ITEMS), max_size=4, unique=True)
answers = st.builds(
    lambda items, user, on, arms: answer(items, user=user, served_ms=SERVED_MS + on * DAY_MS, arms=arms),
    item_lists,
    st.sampled_from([*USERS, None]),
    st.sampled_from([0, 1]),
    st.sampled_from([[], ["spring/new"], ["spring/old", "photo/big"]]),
)
values = st.sampled_from([None, 0.1, 0.2, 0.7, 1e9, 19.99])


@st.composite
def copies_of(draw: st.DrawFn, first: dict[str, Any], named: st.SearchStrategy[Any]) -> list[dict[str, Any]]:
    """Draw duplicates of an event. Their references and times may differ from those of the event."""
    copies = draw(st.lists(st.tuples(named, st.sampled_from([-2, 0, 1, 4]), st.integers(0, 2)), max_size=2))
    return [
        {
            **first,
            "recommendation_id": answered["recommendation_id"] if isinstance(answered, dict) else answered,
            "event_time_ms": first["event_time_ms"] + days * DAY_MS,
            # An event is never received before its time.
            "received_time_ms": first["event_time_ms"] + (days + 4 * late) * DAY_MS,
        }
        for answered, days, late in copies
    ]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Draw responses and events, including duplicates.

    Some events reference no response or a forged one, or have a wrong time.
    """
    served = draw(st.lists(answers, min_size=1, max_size=5))
    named = st.sampled_from([*served, *served, "forged", answer(["pear"])["recommendation_id"], None])
    events = draw(
        st.lists(
            st.builds(
                lambda answered, item, kind, user, after, shown, value: event(
                    answered, item, kind, user_id=user, after_ms=after, impression=shown, event_value=value
                ),
                named,
                st.sampled_from([*ITEMS, None]),
                st.sampled_from(KINDS),
                st.sampled_from(USERS),
                st.sampled_from([-400_000, 0, 1_000, 60_000, 2 * DAY_MS]),
                item_lists,
                values,
            ),
            min_size=6,
            max_size=16,
        )
    )
    alike = [{**each, "event_id": f"again-{each['event_id']}"} for each in events[:2]]
    return served, [*events, *alike, *(copy for each in events[:4] for copy in draw(copies_of(each, named)))]


def results(shop: Lake) -> list[Any]:
    found: list[Any] = []
    for each in DAYS:
        receipt = DayReceiptStore(shop.s3, shop.bucket).read(each)
        found.append(None if receipt is None else (dict(receipt.rejected), receipt.events))
        for read, key in ((shop.outcomes, outcomes.object_key), (shop.engagement, engagement.object_key)):
            listed = shop.s3.list_objects_v2(Bucket=shop.bucket, Prefix=key(date_of(each)))["KeyCount"]
            found.append(read(date_of(each)) if listed else None)
    return found


def check_against_naive(shop: Lake, served: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    answered = {row["served_ms"] // DAY_MS for row in served}
    happened = {each["event_time_ms"] // DAY_MS for each in events}
    expected, rejected = attributed(
        served, events, RULES, days=[*answered, *(each for each in happened - answered if each > min(answered))]
    )
    found = {}
    for day, reasons in rejected.items():
        if day in answered:
            found.update(shop.outcomes(date_of(day)))
        receipt = DayReceiptStore(shop.s3, shop.bucket).read(day)
        assert receipt is not None
        assert dict(receipt.rejected) == dict(reasons)
    for each, numbers in expected.items():
        assert {name: found[each][name] for name in numbers} == {
            **numbers, "revenue": pytest.approx(numbers["revenue"]),
        }  # fmt: skip
    assert set(found) == set(expected)


def check_any_arrival(s3: Any, history: Any, data: st.DataObject) -> None:
    """Write a history at once and in parts. Compare the results with each other and with a naive attribution."""
    served, events = history
    once, bit_by_bit = (Lake(s3, create_bucket(s3, f"lake-{next(_buckets)}")) for _ in range(2))
    once.write_served(served)
    once.write_events(events)
    once.attribute(rules=RULES)
    check_against_naive(once, served, events)

    # Three rows are written twice. Parts have random rows, and attribution runs after random parts.
    pieces = [("served", row) for row in served] + [("event", row) for row in events]
    pieces = data.draw(st.permutations(pieces + pieces[:3]))
    while pieces:
        size = data.draw(st.integers(min(4, len(pieces)), len(pieces)))
        some, pieces = pieces[:size], pieces[size:]
        name = f"{len(pieces):03d}"
        bit_by_bit.write_served([row for kind, row in some if kind == "served"], name=name)
        bit_by_bit.write_events([row for kind, row in some if kind == "event"], name=name)
        if not pieces or data.draw(st.booleans()):
            bit_by_bit.attribute(rules=RULES, part_rows=3)

    assert results(bit_by_bit) == results(once)

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType, Limits
from functions.build_dataset.cleaning import clean
from functions.build_dataset.dataset_rules import LAKE_COLUMNS
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.build_dataset.shop import dropped


def row(event_id, user="anna", item="pear", **fields):
    values = {
        "event_id": event_id, "user_id": user, "session_id": "s1", "item_id": item, "event_type": "view",
        "event_time_ms": NOW_MS, "received_time_ms": NOW_MS,
    }  # fmt: skip
    return {**values, **fields}


def frame(*rows):
    """Return rows as awswrangler reads them from the lake, with Arrow types and the lake's order of columns."""
    columns = pd.DataFrame(rows, columns=list(LAKE_COLUMNS))
    types = {name: "int64[pyarrow]" if name.endswith("_ms") else "string[pyarrow]" for name in LAKE_COLUMNS}
    return columns.astype(types)


def cleaned(*rows, minimum_item=1, minimum_user=1, events=()):
    limits = Limits(minimum_item_interactions=minimum_item, minimum_user_interactions=minimum_user)
    configuration = Configuration(events={**DEFAULT.events, **{event.name: event for event in events}}, limits=limits)
    return clean(frame(*rows), configuration)


def pairs(interactions):
    return list(zip(interactions.frame["profile_id"], interactions.frame["item_id"], strict=True))


def test_repeated_event_keeps_the_first_received_copy():
    interactions = cleaned(
        row("e1", item="plum", received_time_ms=NOW_MS + 1),
        row("e1", item="pear", received_time_ms=NOW_MS),
        row("e2", item="fig"),
    )

    assert pairs(interactions) == [("u#anna", "pear"), ("u#anna", "fig")]
    assert interactions.dropped["duplicate_event"] == 1


def test_returned_purchase_is_dropped_in_any_row_order():
    interactions = cleaned(
        row("e4", event_type="return", event_time_ms=NOW_MS + 2),
        row("e1", event_type="view"),
        row("e2", event_type="purchase", event_time_ms=NOW_MS + 1),
        row("e3", event_type="purchase", event_time_ms=NOW_MS + 1, user="bert"),
    )

    assert interactions.frame[["profile_id", "weight"]].to_numpy().tolist() == [["u#anna", 1.0], ["u#bert", 5.0]]
    assert interactions.dropped["taken_back"] == 2


def test_return_with_smaller_weight_reduces_the_purchase_weight():
    interactions = cleaned(
        row("e1", event_type="purchase"),
        row("e2", event_type="return", event_time_ms=NOW_MS + 1),
        events=(EventType("return", -2.0),),
    )

    assert interactions.frame["weight"].tolist() == [3.0]


def test_weight_and_name_come_from_the_event_type_in_any_spelling():
    interactions = cleaned(
        row("e1", event_type="purchase"), row("e2", event_type="AddToCart"), row("e3", event_type="view")
    )

    assert interactions.frame["weight"].tolist() == [5.0, 3.0, 1.0]
    assert interactions.frame["event_type"].tolist() == ["purchase", "cart", "view"]


def test_event_types_without_weight_are_dropped_and_counted():
    interactions = cleaned(row("e1"), row("e2", event_type="purchase"), events=(EventType("view", 0.0),))

    assert interactions.frame["weight"].tolist() == [5.0]
    assert (interactions.dropped["no_weight"], interactions.dropped["unknown_event_type"]) == (1, 0)


@pytest.mark.parametrize(
    ("rows", "kept", "counts"),
    [
        ([row("e1", event_type="rating"), row("e2"), row("e3", event_type=None)], ["e2"], {"unknown_event_type": 2}),
        ([row("e1", event_type=None), row("e2", event_type="rating")], [], {"unknown_event_type": 2}),
        ([row("e1"), row("e2", item=None, event_type="search"), row("e3", item=None)], ["e1"], {"no_item": 2}),
    ],
    ids=["unknown types", "only unknown types", "searches"],
)
def test_unknown_types_and_searches_are_dropped_and_counted(rows, kept, counts):
    interactions = cleaned(*rows)

    assert len(interactions.frame) == len(kept)
    assert interactions.dropped == dropped(**counts)


def test_session_events_before_login_belong_to_the_user():
    interactions = cleaned(
        row("e1", user=None, item="fig", event_time_ms=NOW_MS - 9),
        row("e1", user=None, item="fig", event_time_ms=NOW_MS - 9),
        row("e2", user="anna", event_type="rating", event_time_ms=NOW_MS - 5),
        row("e3", user="anna", item="pear", session_id="s2"),
        row("e4", user=None, item="plum"),
        row("e5", user="ben", item="kiwi", event_time_ms=NOW_MS + 1),
    )

    assert pairs(interactions) == [("u#anna", "fig"), ("u#anna", "pear"), ("s#s1", "plum"), ("u#ben", "kiwi")]


def test_rows_are_sorted_by_time_then_event_id():
    interactions = cleaned(
        row("e3", item="third", event_time_ms=NOW_MS + 5),
        row("e2", item="second"),
        row("e10", item="first"),
        row("e1", item="zeroth", event_time_ms=NOW_MS - 5),
    )

    assert interactions.frame["item_id"].tolist() == ["zeroth", "first", "second", "third"]


def test_minimums_hold_after_other_rows_are_dropped():
    """Without the rare plum, Ben has too few items. Then the fig is rare, and then Cleo has too few items."""
    bought = {"ben": "plum fig", "cleo": "fig pear", "anna": "pear kiwi", "dora": "pear kiwi"}
    rows = [row(f"{user}-{item}", user=user, item=item) for user, items in bought.items() for item in items.split()]

    interactions = cleaned(*rows, minimum_item=2, minimum_user=2)

    assert set(pairs(interactions)) == {(f"u#{user}", item) for user in ("anna", "dora") for item in ("pear", "kiwi")}
    assert interactions.dropped == dropped(rare_item=2, short_history=2)


def test_repeats_count_interactions_with_a_known_item():
    interactions = cleaned(row("e1"), row("e2"), row("e3", item="plum"), row("e4", user="ben"))

    assert interactions.repeats == 1


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_rows_are_kept_or_counted_as_dropped_and_minimums_hold(interactions, minimum_item, minimum_user):
    rows = [row(f"e{n}", user=f"u{user}", item=f"i{item}") for n, (user, item) in enumerate(interactions)]

    result = cleaned(*rows, minimum_item=minimum_item, minimum_user=minimum_user)

    assert len(result.frame) + sum(result.dropped.values()) == len(rows)
    assert (result.frame["item_id"].value_counts() >= minimum_item).all()
    assert (result.frame["profile_id"].value_counts() >= minimum_user).all()

"""Assignment of a session's interactions to users: known cases, and comparison with a definition per interaction."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.logins import Login, first_logins, owners
from tests.unit.alsolike.records import TIME_MS, interaction, owner

COLUMNS = ("event_id", "user_id", "session_id", "event_time_ms")


def event(event_id, second, *, user=None, session="s1"):
    return interaction(event_id=event_id, user_id=user, session_id=session, event_time_ms=TIME_MS + second * 1000)


def owned(*events):
    return dict(zip([each.event_id for each in events], owners(frame(*events)), strict=True))


def frame(*events):
    """Return interactions as awswrangler reads them from the lake."""
    rows = pd.DataFrame([{name: getattr(each, name) for name in COLUMNS} for each in events], columns=list(COLUMNS))
    types = {name: "int64[pyarrow]" if name.endswith("_ms") else "string[pyarrow]" for name in COLUMNS}
    return rows.astype(types)


def test_session_events_before_login_belong_to_the_user():
    events = event("a", 1), event("b", 2), event("c", 3, user="anna"), event("d", 4), event("e", 1, session="other")

    assert owned(*events) == {"a": "u#anna", "b": "u#anna", "c": "u#anna", "d": "s#s1", "e": "s#other"}


def test_first_login_has_the_earliest_time_then_the_smallest_event_id():
    late, tie, first = event("a", 9, user="cleo"), event("c", 3, user="ben"), event("b", 3, user="anna")

    assert first_logins([late, tie, first]) == {"s1": Login(TIME_MS + 3000, "b", "anna")}


def test_user_without_a_session_is_not_a_login():
    assert owned(event("a", 1), event("b", 2, user="anna", session=None)) == {"a": "s#s1", "b": "u#anna"}


def test_session_id_equal_to_a_user_id_is_a_separate_profile():
    assert owned(event("a", 1, session="anna"), event("b", 2, user="anna", session="s2"))["a"] == "s#anna"


events = st.lists(
    st.builds(
        event,
        st.text("ab", min_size=1, max_size=4),
        st.integers(0, 4),
        user=st.none() | st.sampled_from(["anna", "ben"]),
        session=st.sampled_from(["s1", "s2"]),
    )
    | st.builds(event, st.text("c", min_size=1), st.integers(0, 4), user=st.just("anna"), session=st.none()),
    max_size=12,
    unique_by=lambda each: each.event_id,
)


@given(events, st.randoms())
def test_owners_by_column_equal_owners_by_interaction_in_any_order(batch, random):
    logins = first_logins(batch)

    random.shuffle(batch)

    assert first_logins(batch) == logins
    assert owned(*batch) == {each.event_id: owner(each, logins.get(each.session_id)) for each in batch}


@pytest.mark.parametrize("kind", ["object", "arrow"])
def test_owners_keep_the_index_and_accept_any_column_type(kind):
    rows = frame(event("a", 1), event("b", 2, user="anna"), event("c", 3))
    rows = rows.astype({"user_id": object, "session_id": object}) if kind == "object" else rows
    rows.index = pd.Index([7, 5, 9])

    assert owners(rows).to_dict() == {7: "u#anna", 5: "u#anna", 9: "s#s1"}

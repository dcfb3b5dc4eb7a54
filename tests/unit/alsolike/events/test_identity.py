"""Users of a session's interactions: cases by hand, and both forms of the rule compared."""

from __future__ import annotations

from random import Random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.events.identity import Login, first_logins, owner, owners
from alsolike.events.interactions import Interaction
from tests.unit.alsolike.records import TIME_MS, interaction

COLUMNS = ("event_id", "user_id", "session_id", "event_time_ms")


def event(event_id: str, second: int, *, user: str | None = None, session: str | None = "s1") -> Interaction:
    return interaction(event_id=event_id, user_id=user, session_id=session, event_time_ms=TIME_MS + second * 1000)


def owned(*events: Interaction) -> dict[str, str]:
    logins = first_logins(events)
    return {each.event_id: owner(each, logins) for each in events}


def frame(*events: Interaction) -> pd.DataFrame:
    """Return interactions as awswrangler reads them from the lake."""
    rows = pd.DataFrame([{name: getattr(each, name) for name in COLUMNS} for each in events], columns=list(COLUMNS))
    types = {name: "int64[pyarrow]" if name.endswith("_ms") else "string[pyarrow]" for name in COLUMNS}
    return rows.astype(types)


def test_what_a_session_did_before_its_login_is_the_users_and_what_it_does_later_its_own() -> None:
    assert owned(
        event("a", 1),
        event("b", 2),
        event("c", 3, user="anna"),
        event("d", 4),
        event("e", 1, session="other"),
    ) == {"a": "u#anna", "b": "u#anna", "c": "u#anna", "d": "s#s1", "e": "s#other"}


def test_an_event_of_the_logins_own_time_is_the_users() -> None:
    assert owned(event("z", 3), event("c", 3, user="anna")) == {"z": "u#anna", "c": "u#anna"}


def test_the_second_user_of_a_session_takes_nothing() -> None:
    assert owned(event("a", 1), event("b", 2, user="anna"), event("c", 3), event("d", 4, user="ben")) == {
        "a": "u#anna",
        "b": "u#anna",
        "c": "s#s1",
        "d": "u#ben",
    }


def test_the_first_login_is_the_one_of_the_least_time_then_of_the_least_event_id() -> None:
    late, tie, first = event("a", 9, user="cleo"), event("c", 3, user="ben"), event("b", 3, user="anna")

    assert first_logins([late, tie, first]) == {"s1": Login(TIME_MS + 3000, "b", "anna")}


def test_a_user_without_a_session_logs_nobody_in() -> None:
    assert owned(event("a", 1), event("b", 2, user="anna", session=None)) == {"a": "s#s1", "b": "u#anna"}


def test_sessions_that_look_like_users_stay_apart() -> None:
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
def test_columns_and_single_interactions_follow_one_rule_in_any_order(batch: list[Interaction], random: Random) -> None:
    expected = owned(*batch)

    random.shuffle(batch)

    assert owned(*batch) == expected
    assert dict(zip([each.event_id for each in batch], owners(frame(*batch)), strict=True)) == expected


@pytest.mark.parametrize("kind", ["object", "arrow"])
def test_columns_keep_their_index_and_need_no_certain_type(kind: str) -> None:
    rows = frame(event("a", 1), event("b", 2, user="anna"), event("c", 3))
    rows = rows.astype({"user_id": object, "session_id": object}) if kind == "object" else rows
    rows.index = pd.Index([7, 5, 9])

    assert owners(rows).to_dict() == {7: "u#anna", 5: "u#anna", 9: "s#s1"}

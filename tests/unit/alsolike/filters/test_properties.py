"""Any filter passes the items that a naive evaluation passes."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.alsolike.filter_clauses import (
    KINDS,
    TYPES,
    WORDS,
    Clause,
    Requester,
    all_values,
    clauses,
    user_clauses,
)
from tests.unit.alsolike.filtered_items import Event, Model

Catalogue: TypeAlias = list[dict[str, dict[str, Any] | None]]

ITEM_IDS = [f"i{number}" for number in range(8)]
times = st.integers(0, 3).map(lambda weeks: weeks * 604_800) | st.sampled_from([1, 2, 60, 3_600, 86_400, 604_801])
texts = st.sampled_from(WORDS)
properties = st.fixed_dictionaries(
    {"price": st.integers(0, 3), "creationTimestamp": times, "genre": texts, "tags": st.lists(texts, max_size=3)},
    optional={"organic": st.booleans()},
)
user_properties: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {
        "genre": texts,
        "tags": st.lists(texts, max_size=2),
        "price": st.integers(0, 3),
        "pin": st.sampled_from(["i0", "i3", "i9"]),
        "pinned": st.lists(st.sampled_from(["i0", "i3", "i9"]), max_size=2),
        "since": times,
    },
    optional={"organic": st.booleans(), "age": st.integers(0, 3), "level": texts},
)
bare = st.sampled_from([None, {}, {"price": 1}, {"organic": True}])
first_segments = st.fixed_dictionaries(
    {item_id: properties if place < 4 else bare for place, item_id in enumerate(ITEM_IDS[:6])}
)
later_segments = st.lists(
    st.dictionaries(st.sampled_from(ITEM_IDS[:6]), st.none() | properties, min_size=1, max_size=3), max_size=2
)
catalogues = st.builds(lambda first, later: [first, *later], first_segments, later_segments)
events = st.lists(st.builds(Event, st.sampled_from([*ITEM_IDS, "i9"]), st.sampled_from(TYPES), times), max_size=8)
requesters = st.builds(Requester, events, user_properties, user_properties, times)
tests_of_the_user: st.SearchStrategy[list[Clause]] = st.just([]) | st.lists(user_clauses(), min_size=1, max_size=2)
expressions = st.tuples(st.sampled_from(["INCLUDE", "EXCLUDE"]), clauses(), tests_of_the_user, st.booleans())


def known(catalogue):
    found: dict[str, Any] = {}
    for segment in catalogue:
        found.update(segment)
    return {item_id: found.get(item_id) or {} for item_id in ITEM_IDS}


def passing(model, text, requester, values):
    return model.passing(
        text,
        events=requester.events,
        user=requester.user,
        item=requester.item,
        now_ms=requester.now_s * 1000,
        values=values,
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80, deadline=None)
@given(data=st.data(), catalogue=catalogues, requester=requesters, from_files=st.booleans())
def test_condition_equals_a_naive_evaluation(kind, data, catalogue, requester, from_files):
    clause = data.draw(KINDS[kind])
    items = known(catalogue)
    model = Model(ITEM_IDS, *catalogue, from_files=from_files)

    for _ in range(2):  # The first result is computed, and the second one is cached.
        found = passing(model, f"INCLUDE ItemID WHERE {clause.text}", requester, clause.values)
        assert found == [item_id for item_id in ITEM_IDS if clause.holds(item_id, items[item_id], requester)], (
            clause.text
        )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(expressions, min_size=1, max_size=3),
    catalogues,
    st.lists(requesters, min_size=2, max_size=3),
    st.permutations(ITEM_IDS),
    st.booleans(),
)
def test_result_equals_a_naive_evaluation_per_row(expressions, catalogue, requesters, item_ids, from_files):
    """An EXCLUDE expression with an omitted parameter does not apply."""
    items = known(catalogue)
    given = all_values([clause for verb, clause, _, given in expressions if verb == "INCLUDE" or given])
    text = " | ".join(
        f"{verb} ItemID WHERE {clause.text}" + (f" IF {' AND '.join(test.text for test in tests)}" if tests else "")
        for verb, clause, tests, _ in expressions
    )
    model = Model(item_ids, *catalogue, from_files=from_files)

    def passes(item_id, requester):
        found: dict[str, list[bool]] = {"INCLUDE": [], "EXCLUDE": []}
        for verb, clause, tests, _ in expressions:
            if clause.values.keys() <= given.keys() and all(test.holds("", {}, requester) for test in tests):
                found[verb].append(clause.holds(item_id, items[item_id], requester))
        return (any(found["INCLUDE"]) or not found["INCLUDE"]) and not any(found["EXCLUDE"])

    for requester in requesters:
        assert passing(model, text, requester, given) == [i for i in item_ids if passes(i, requester)], text

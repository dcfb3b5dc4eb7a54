"""Rows of the recommendation log."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration import recommendation_id
from alsolike.lake.served import partition_prefix, read_line, served_date
from alsolike.runtime.errors import InvalidInput
from tests.builders.served_rows import SERVED_MS, served
from tests.builders.served_rows import stored as as_stored

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@st.composite
def rows(draw):
    items = draw(st.lists(TEXTS, max_size=4))
    origin = st.sampled_from(["ranked", "pinned"]) | TEXTS.map("promoted:{}".format)
    chance = st.none() | st.floats(0, 1, exclude_min=True)
    return served(
        served_ms=draw(st.integers(1, 2**47)),
        recommender=draw(st.sampled_from(sorted(recommendation_id.RECOMMENDER_CODES))),
        model_version=draw(TEXTS),
        arms=draw(st.lists(TEXTS, max_size=recommendation_id.MAX_ARMS)),
        shopper=draw(st.none() | TEXTS),
        item_ids=items,
        origins=[draw(origin) for _ in items],
        propensities=[draw(chance) for _ in items],
    )


@given(row=rows())
def test_row_is_unchanged_after_write_and_read(row):
    line = row.to_line()

    assert "\n" not in line
    assert read_line(line) == row


def test_line_omits_nulls_and_default_item_fields():
    row = served(item_ids=["fig", "leek"], origins=["ranked", "ranked"], propensities=[None, None], shopper=None)

    fields = orjson.loads(row.to_line())["served"]

    assert "origins" not in fields
    assert "propensities" not in fields
    assert None not in fields.values()
    assert read_line(row.to_line()) == row


@given(row=rows(), data=st.data())
def test_truncated_line_is_refused(row, data):
    line = row.to_line().encode()

    with pytest.raises(InvalidInput):
        read_line(line[: data.draw(st.integers(0, len(line) - 1))])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"served_ms": True}, "served.served_ms is true, expected milliseconds"),
        ({"served_ms": SERVED_MS + 1}, f"served.served_ms is {SERVED_MS + 1}, expected {SERVED_MS} as in its"),
        ({"recommender": "popular"}, 'served.recommender is "popular", expected for-you'),
        ({"model_version": "v2"}, 'served.model_version is "v2", expected the version in its'),
        ({"model_version": ""}, 'served.model_version is "", expected a non-empty string'),
        ({"arms": []}, "served.arms is .*, expected the arms in its"),
        ({"arms": ["menu/long"]}, "served.arms is .*, expected the arms in its"),
        ({"arms": "menu/short"}, "served.arms is .*, expected a list"),
        ({"shopper": 7}, "served.shopper is 7, expected a non-empty string"),
        ({"source": None}, "served.source is missing, expected a non-empty string"),
        ({"degraded": [1]}, r"served.degraded\[0\] is 1, expected a non-empty string"),
        ({"configuration": -1}, "served.configuration is -1"),
        ({"asked": 1.5}, "served.asked is 1.5"),
        ({"asked": 2**31}, "served.asked is 2147483648"),
        ({"item_ids": ["fig"]}, r"item_ids, origins, propensities have \[1, 2\] elements"),
        ({"item_ids": ["fig", None]}, r"served.item_ids\[1\] is missing"),
        ({"origins": ["ranked", "luck"]}, "served.origins is .*, expected ranked, paired"),
        ({"origins": ["ranked", "promoted:"]}, "served.origins is .*, expected ranked, paired"),
        ({"propensities": [None, 0]}, r"served.propensities\[1\] is"),
        ({"propensities": [None, 1.5]}, r"served.propensities\[1\] is"),
        ({"propensities": [None, True]}, r"served.propensities\[1\] is"),
        ({"recommendation_id": "A" * 40}, "was not created by this service"),
        ({"recommendation_id": "short"}, "was not created by this service"),
        ({"colour": "red"}, "colour is not a known field"),
        ({"configuration": ...}, "served.configuration is missing"),
    ],
)
def test_invalid_row_is_refused_with_its_column(fields, message):
    good = as_stored(served())
    changed = {name: value for name, value in {**good, **fields}.items() if value is not ...}

    with pytest.raises(InvalidInput, match=message):
        read_line(orjson.dumps({"served": changed}))


@pytest.mark.parametrize("line", [b"", b"START RequestId: 1", b"[]", b"{}", b'{"served": 1}', b"\xff", b"null"])
def test_other_lines_are_refused(line):
    with pytest.raises(InvalidInput):
        read_line(line)


def test_row_is_in_the_partition_of_its_date():
    assert served_date(SERVED_MS) == "2026-09-21"
    assert partition_prefix(served_date(SERVED_MS)) == "served/served_date=2026-09-21/"

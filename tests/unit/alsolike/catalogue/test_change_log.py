import gzip
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.runtime.errors import InvalidInput
from tests.unit.alsolike.catalogue_columns import CHANGES, live

DAY_MS = 86_400_000


@given(st.lists(CHANGES, max_size=6), st.sampled_from(ChangeKind))
def test_changes_are_unchanged_after_encoding_and_decoding(changes, kind):
    data = change_log.encode(kind, changes)

    assert list(change_log.decode(kind, data)) == changes
    assert change_log.encode(kind, changes) == data


@given(st.lists(CHANGES, max_size=8), st.permutations(range(8)))
def test_newest_changes_do_not_depend_on_order_or_repetition(changes, order):
    shuffled = [changes[place] for place in order if place < len(changes)]

    newest = change_log.newest(itertools.chain(shuffled, changes))

    assert {i: c.properties for i, c in newest.items() if c.properties is not None} == live(changes)


def test_encoded_lines_have_the_columns_of_the_sql_table():
    data = change_log.encode(ChangeKind.USER, [Change("u", 5, {"age": 7}), Change("v", 6, None)])

    assert gzip.decompress(data).decode().splitlines() == [
        '{"user_id":"u","updated_at_ms":5,"deleted":false,"properties":"{\\"age\\":7}"}',
        '{"user_id":"v","updated_at_ms":6,"deleted":true}',
    ]


def test_changes_are_grouped_by_their_own_date():
    changes = [Change("a", DAY_MS - 1, None), Change("b", DAY_MS, None), Change("a", 0, None)]

    assert change_log.by_date(changes) == {"1970-01-01": [changes[0], changes[2]], "1970-01-02": [changes[1]]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (change_log.encode(ChangeKind.ITEM, [Change("a", 1, {})])[:-9], "x is not a complete gzip file"),
        (b"plain", "x is not a complete gzip file"),
        (gzip.compress(b'{"item_id":"a","updated_at_ms":1,"deleted":true}\n{}'), "x, line 2: expected a change of one"),
        (gzip.compress(b'{"item_id":"a","updated_at_ms":1,"deleted":false,"properties":"[]"}'), "x, line 1: "),
        (gzip.compress(b'{"user_id":"a","updated_at_ms":1,"deleted":true}'), "x, line 1: "),
        (gzip.compress(b"no JSON"), "x, line 1: "),
    ],
    ids=["cut off", "not packed", "second line", "properties", "another kind", "no JSON"],
)  # fmt: skip
def test_unreadable_object_error_names_the_line(data, message):
    with pytest.raises(InvalidInput, match=message):
        list(change_log.decode(ChangeKind.ITEM, data, name="x"))

"""The object with all actions: damaged entries are omitted and reported."""

import orjson
import pytest

from alsolike.catalogue.actions import Action, ActionStore, StoredActions
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.runtime.errors import Unavailable
from tests.fakes.places import BUCKET


def put(s3, body):
    s3.put_object(Bucket=BUCKET, Key=ACTIONS_KEY, Body=body)
    return ActionStore(s3, BUCKET)


@pytest.mark.parametrize("entry", [None, [], "x", 1, {"value": -1}, {"repeatFrequency": "often"}])
def test_invalid_action_entry_is_reported_by_id(s3, entry):
    store = put(s3, orjson.dumps({"app": {"value": 2}, "mail": entry}))

    assert store.read() == StoredActions((Action("app", {"value": 2}),), ("mail",))
    assert store.all() == [Action("app", {"value": 2})]


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'[["app", {}]]', b"1"])
def test_object_that_is_not_a_json_object_is_unavailable(s3, body):
    store = put(s3, body)

    with pytest.raises(Unavailable, match="repair it with `alsolike models repair`"):
        store.read()


def test_write_removes_invalid_entries(s3):
    store = put(s3, b'{"app": {}, "mail": null}')

    store.put([Action("card", {})], now_ms=1)

    assert store.read() == StoredActions((Action("app", {}), Action("card", {})))

"""Repair of the object with all actions, from its earlier versions."""

import pytest

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.runtime.errors import InvalidInput
from operations.models.actions_repair import repair_actions
from tests.fakes.places import BUCKET

FIRST, SECOND = b'{"app": {"value": 1}, "mail": {}}', b'{"app": {"value": 2}, "mail": {}, "card": null}'


def put(s3, *bodies):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for body in bodies:
        s3.put_object(Bucket=BUCKET, Key=ACTIONS_KEY, Body=body)


@pytest.mark.parametrize(
    ("bodies", "actions"),
    [
        ([FIRST, b"{"], {"app": {"value": 1}, "mail": {}}),
        ([FIRST, b"[]", b"null"], {"app": {"value": 1}, "mail": {}}),
        ([FIRST, b'{"app": {"value": 3}, "mail": null}'], {"app": {"value": 3}, "mail": {}}),
        ([FIRST, b'{"app": [], "mail": null}', b"{"], {"app": {"value": 1}, "mail": {}}),
        ([SECOND], {"app": {"value": 2}, "mail": {}}),
    ],
)
def test_latest_readable_columns_of_each_action_are_restored(s3, bodies, actions):
    put(s3, *bodies)

    (done,) = repair_actions(s3, BUCKET)

    assert "catalog/actions.json is restored: 2 actions" in done
    assert ("without card" in done) == (bodies == [SECOND])
    assert ActionStore(s3, BUCKET).all() == [Action(*entry) for entry in sorted(actions.items())]
    assert repair_actions(s3, BUCKET) == []


@pytest.mark.parametrize("bodies", [[], [FIRST]])
def test_valid_actions_are_not_changed(s3, bodies):
    put(s3, *bodies)

    assert repair_actions(s3, BUCKET) == []


def test_deleted_actions_stay_deleted(s3):
    put(s3, b"{", FIRST)
    s3.delete_object(Bucket=BUCKET, Key=ACTIONS_KEY)

    assert repair_actions(s3, BUCKET) == []


def test_actions_without_a_readable_version_are_refused(s3):
    put(s3, b"{", b"[]")

    with pytest.raises(InvalidInput, match=f"no version of s3://{BUCKET}/{ACTIONS_KEY} is readable"):
        repair_actions(s3, BUCKET)

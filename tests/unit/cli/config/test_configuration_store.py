"""Versions of the configuration: concurrent changes, history and rollback."""

import dataclasses

import pytest

from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration_document.reader import NOTHING_APPLIED
from alsolike.declarations.storage import CONFIGURATION_KEY
from alsolike.runtime.errors import ConcurrentUpdate, NotFound
from alsolike.schema.document import InvalidConfiguration
from operations.configuration.configuration_versions import BUILT_IN, ConfigurationStore, version_key
from tests.fakes.places import BUCKET


def weighing(weight):
    return {"format": 1, "events": {"view": {"weight": weight}}}


def apply(store, document, *, now_ms=1, reason=""):
    return store.apply(store.current(), document, text="# text", by="me", reason=reason, now_ms=now_ms)


def roll_back(store, *, to=None):
    return store.roll_back(store.current(), to=to, by="me", reason="worse", now_ms=9)


def view_weight(store):
    return store.current().configuration().events["view"].weight


@pytest.fixture
def store(s3):
    return ConfigurationStore(s3, BUCKET)


def test_built_in_configuration_is_current_before_the_first_version(store):
    assert store.current() == NOTHING_APPLIED
    assert store.current().configuration() is DEFAULT
    assert store.version(0) == BUILT_IN
    assert store.history(limit=5) == []


def test_applied_document_is_current_and_stored_with_its_author_and_reason(store):
    applied = apply(store, weighing(2), now_ms=5, reason="views matter")

    assert store.current() == applied
    assert (applied.version, applied.configuration().version) == (1, 1)
    assert view_weight(store) == 2.0
    version = store.version(1)
    assert (version.applied_ms, version.by, version.reason, version.restores) == (5, "me", "views matter", None)
    assert (version.text, version.document) == ("# text", weighing(2))


@pytest.mark.parametrize("document", [weighing(2), {"events": {"view": {"weight": 2.0}, "click": {}}, "format": 1}])
def test_apply_of_an_equal_document_changes_nothing(store, document):
    applied = apply(store, weighing(2))

    assert apply(store, document) == applied


def test_apply_of_the_built_in_configuration_changes_nothing(store):
    assert apply(store, {"format": 1}) == NOTHING_APPLIED
    assert store.current().etag is None


def test_invalid_document_is_not_written(s3, store):
    with pytest.raises(InvalidConfiguration, match=r"events\.view\.weight is -101"):
        apply(store, weighing(-101))

    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize("before", [0, 1])
def test_apply_based_on_an_earlier_version_is_refused(store, before):
    for weight in range(before):
        apply(store, weighing(weight + 5))
    judged = store.current()
    apply(store, weighing(2))

    with pytest.raises(ConcurrentUpdate, match="the configuration changed meanwhile"):
        store.apply(judged, weighing(3), text="", by="me", reason="", now_ms=1)

    assert view_weight(store) == 2.0
    assert store.current().versions[-1] == before + 1


def test_version_written_but_not_applied_does_not_exist(s3, store):
    """A writer stopped after the version's object, before it wrote the pointer."""
    apply(store, weighing(2))
    s3.put_object(Bucket=BUCKET, Key=version_key(2), Body=b"{}")

    apply(store, weighing(3))

    assert store.current().versions == (1, 3)
    assert [version.version for version in store.history(limit=5)] == [3, 1]
    with pytest.raises(NotFound, match="configuration version 2 was never applied; the latest is 3"):
        store.version(2)
    with pytest.raises(NotFound, match="configuration version 2 was never applied"):
        roll_back(store, to=2)


def test_repeated_rollback_restores_earlier_versions_only(store):
    for weight in (2, 3, 4):
        apply(store, weighing(weight))

    weights = []
    for _ in range(3):
        roll_back(store)
        weights.append(view_weight(store))

    assert weights == [3.0, 2.0, 1.0]  # The last version is the built-in configuration.
    with pytest.raises(NotFound, match="there is no earlier configuration to roll back to"):
        roll_back(store)


def test_rollback_after_a_new_version_restores_the_version_before(store):
    apply(store, weighing(2))
    apply(store, weighing(3))
    roll_back(store)  # Version 3 has the content of version 1.
    apply(store, weighing(4))

    assert roll_back(store).document == weighing(2)
    assert store.version(5).restores == 3
    assert roll_back(store).document == {"format": 1}


def test_rollback_can_name_its_version(store):
    for weight in (2, 3, 4):
        apply(store, weighing(weight))

    assert roll_back(store, to=1).document == weighing(2)
    assert roll_back(store, to=0).configuration() == dataclasses.replace(DEFAULT, version=5)


def test_rollback_without_an_earlier_version_is_refused(store):
    with pytest.raises(NotFound, match="there is no earlier configuration"):
        roll_back(store)
    with pytest.raises(NotFound, match="version 4 was never applied; no version has been applied"):
        roll_back(store, to=4)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"versions": null, "document": {}}'])
def test_unreadable_pointer_is_refused(s3, store, body):
    s3.put_object(Bucket=BUCKET, Key=CONFIGURATION_KEY, Body=body)

    with pytest.raises(InvalidConfiguration, match=r"s3://artefacts/config/current\.json is unreadable"):
        store.current()

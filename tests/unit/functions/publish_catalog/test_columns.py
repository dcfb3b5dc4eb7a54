"""Columns of the snapshot, which have the types of the applied configuration."""

import pytest

from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import Unavailable
from alsolike.snapshot.store import SnapshotStore
from functions.publish_catalog import handler
from operations.configuration.configuration_store import ConfigurationStore
from tests.unit.functions.publish_catalog.changes import NOW_MS, deliver, record


@pytest.fixture
def declare_colour(aws, artefact_bucket):
    """Return a function that applies a configuration in which colour is a string."""

    def applied():
        store = ConfigurationStore(aws("s3"), artefact_bucket)
        document = {"format": 1, "items": {"columns": {"COLOUR": "string"}}}
        store.apply(store.current(), document, text="", by="me", reason="", now_ms=NOW_MS)

    return applied


def test_applied_configuration_types_existing_columns(context, snapshot, declare_colour):
    deliver(context, record("a", 1, colour="red"))
    assert snapshot().column("colour") is None
    declare_colour()

    handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)

    assert snapshot().column_types == {"colour": ColumnType.STRING}


def test_batch_with_a_stale_configuration_keeps_applied_columns(context, snapshot, declare_colour, start_new_process):
    deliver(context, record("a", 1, colour="red"))
    warm = handler._sources()
    declare_colour()
    start_new_process()
    handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "_sources", lambda: warm)
        deliver(context, record("b", 2, colour="blue"))

    assert snapshot().column_types == {"colour": ColumnType.STRING}
    assert len(snapshot()) == 2


def test_failed_column_update_raises_for_a_retry(context, monkeypatch, declare_colour):
    deliver(context, record("a", 1, colour="red"))
    declare_colour()

    def outage(*_, **__):
        raise Unavailable("the artefact bucket is away")

    monkeypatch.setattr(SnapshotStore, "upload", outage)

    with pytest.raises(Unavailable):  # EventBridge repeats the invocation.
        handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)

"""Undo of an import of interactions."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import ConcurrentUpdate, NotFound
from operations.ingest.undo import Undone, imports, undo
from tests.builders.parquet import parquet_of
from tests.unit.cli.imported import NOW_MS, lake_objects, lake_rows, load, load_items, write
from tests.unit.cli.interruptions import Killed, go_on, stop_at

FIRST = "USER_ID,ITEM_ID,TIMESTAMP\nann,a,1500000000\nbob,b,1500000000\n"
SECOND = "USER_ID,ITEM_ID,TIMESTAMP\nann,c,1500000060\n"


def items_of(deployment, user):
    profile = ProfileStore(deployment.client("dynamodb"), "profiles").read(f"u#{user}")
    return [entry.item_id for entry in profile.recent]


@pytest.fixture
def imported(deployment, tmp_path):
    load(deployment, write(tmp_path / "first.csv", FIRST), now_ms=NOW_MS)
    load(deployment, write(tmp_path / "second.csv", SECOND), now_ms=NOW_MS + 1)
    return deployment


def merge_with_live_event(deployment, *, event_id="live", **columns):
    """Merge all objects as compaction does, with a live event that arrived when the first import started."""
    s3 = deployment.client("s3")
    objects = lake_objects(deployment)
    rows = pa.concat_tables([pq.read_table(io.BytesIO(body)) for body in objects.values()])
    live = {**rows.to_pylist()[0], "event_id": event_id, "item_id": "live", "correlation_id": "r1", **columns}
    live["received_time_ms"] = NOW_MS
    body = parquet_of(pa.concat_tables([rows, pa.Table.from_pylist([live], schema=rows.schema)]))
    for key in objects:
        s3.delete_object(Bucket="lake", Key=key)
    key = "interactions/event_date=2017-07-14/compacted-1.parquet"
    s3.put_object(Bucket="lake", Key=key, Body=body)


def test_imports_are_listed_latest_first(imported):
    assert [(each.import_id, each.files, each.rows, each.is_complete) for each in imports(imported)] == [
        (NOW_MS + 1, ("second.csv",), 1, True),
        (NOW_MS, ("first.csv",), 2, True),
    ]


def test_interrupted_import_of_items_is_not_listed(deployment, tmp_path):
    stop_at(deployment, 3, Killed)
    with pytest.raises(Killed):
        load_items(deployment, write(tmp_path / "items.csv", "ITEM_ID,TITLE\na,Title\n"))
    go_on(deployment)

    assert deployment.client("s3").list_objects_v2(Bucket="artefacts")["KeyCount"] == 1
    assert imports(deployment) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"format_version": 1}'])
def test_import_with_a_damaged_journal_is_not_listed(imported, body):
    key = imports(imported)[0].keys[0]
    imported.client("s3").put_object(Bucket="artefacts", Key=key, Body=body)

    assert [each.import_id for each in imports(imported)] == [NOW_MS]


def test_undo_removes_rows_of_one_import_from_lake_and_profiles(imported):
    undone = undo(imported, NOW_MS)

    assert undone == Undone(rows=2, objects=1, profiles=2)
    assert lake_rows(imported).item_id.tolist() == ["c"]
    assert (items_of(imported, "ann"), items_of(imported, "bob")) == (["c"], [])
    assert [each.import_id for each in imports(imported)] == [NOW_MS + 1]


@pytest.mark.parametrize("call", range(15))
def test_interrupted_undo_is_completed_by_a_repetition(imported, call):
    stop_at(imported, call, Killed)
    with pytest.raises(Killed):
        undo(imported, NOW_MS)
    go_on(imported)

    undo(imported, NOW_MS)

    assert lake_rows(imported).item_id.tolist() == ["c"]
    assert (items_of(imported, "ann"), items_of(imported, "bob")) == (["c"], [])
    assert [each.import_id for each in imports(imported)] == [NOW_MS + 1]


def test_undone_file_can_be_imported_again(imported, tmp_path):
    undo(imported, NOW_MS)

    load(imported, tmp_path / "first.csv", now_ms=NOW_MS + 2)

    assert sorted(lake_rows(imported).item_id) == ["a", "b", "c"]
    assert sorted(items_of(imported, "ann")) == ["a", "c"]


def test_undo_keeps_live_events_in_merged_objects(imported):
    merge_with_live_event(imported)

    undone = undo(imported, NOW_MS)

    assert (undone.rows, undone.objects) == (2, 1)
    assert sorted(lake_rows(imported).item_id) == ["c", "live"]


def test_undo_removes_an_event_whose_id_belongs_to_another_user_too(imported):
    events = lake_rows(imported).set_index("item_id").event_id
    merge_with_live_event(imported, event_id=events["a"], user_id="carl")

    undone = undo(imported, NOW_MS)

    assert undone == Undone(rows=2, objects=1, profiles=2)
    assert sorted(lake_rows(imported).item_id) == ["c", "live"]
    assert items_of(imported, "ann") == ["c"]


def test_undo_keeps_events_that_another_import_has_in_profiles(deployment, tmp_path):
    load(deployment, write(tmp_path / "first.csv", FIRST), now_ms=NOW_MS)
    load(deployment, write(tmp_path / "again.csv", FIRST + "eve,e,1500000000\n"), now_ms=NOW_MS + 1)

    undone = undo(deployment, NOW_MS)

    assert undone == Undone(rows=2, objects=1, profiles=0)
    assert sorted(lake_rows(deployment).item_id) == ["a", "b", "e"]
    assert (items_of(deployment, "ann"), items_of(deployment, "bob")) == (["a"], ["b"])


@pytest.mark.parametrize("is_partial", [False, True])
def test_object_that_changes_during_an_undo_is_a_conflict(imported, is_partial):
    if is_partial:
        merge_with_live_event(imported)
    s3 = imported.client("s3")
    before = imports(imported)
    event = f"before-call.s3.{'PutObject' if is_partial else 'DeleteObject'}"

    def change(**_):
        s3.meta.events.unregister(event, unique_id="change")
        for key, body in lake_objects(imported).items():
            s3.put_object(Bucket="lake", Key=key, Body=parquet_of(pq.read_table(io.BytesIO(body)).slice(0, 0)))

    s3.meta.events.register_first(event, change, unique_id="change")

    with pytest.raises(ConcurrentUpdate, match=r"was merged meanwhile; repeat the command"):
        undo(imported, NOW_MS)

    assert imports(imported) == before


def test_undo_of_an_unknown_import_error_has_the_list_command(imported):
    with pytest.raises(NotFound, match=r"no import 7; list them with `alsolike import list`"):
        undo(imported, 7)

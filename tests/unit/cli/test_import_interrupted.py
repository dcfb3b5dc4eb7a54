"""Interrupted and repeated imports, and the undo of an import of interactions."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound
from operations.ingest import load_metadata
from operations.ingest.journal import Journal
from operations.ingest.undo import Undone, imports, undo
from tests.builders.parquet import parquet_of
from tests.unit.cli.imported import NOW_MS, lake_objects, lake_rows, load, load_items, write
from tests.unit.cli.interruptions import LATER_MS, Killed, empty, end_state, go_on, stop_at, write_history
from tests.unit.cli.stopped_import import small_pieces


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    small_pieces(monkeypatch.setattr)


@pytest.fixture
def history(tmp_path):
    return write_history(tmp_path / "p.csv")


def test_interrupted_and_repeated_import_has_the_same_result(deployment, history):
    load(deployment, history)
    expected = end_state(deployment.client, history)
    empty(deployment, history)
    stop_at(deployment, 12, Killed)
    with pytest.raises(Killed):
        load(deployment, history)
    go_on(deployment)

    repeated = load(deployment, history, now_ms=LATER_MS)

    assert end_state(deployment.client, history) == expected
    assert (repeated.imported, repeated.rejected) == (145, 5)


def test_repeated_run_writes_only_missing_objects(deployment, history, monkeypatch):
    complete = load(deployment, history)
    empty(deployment, history)
    record = Journal.record

    def record_and_raise(journal, step, count, **options):
        record(journal, step, count, **options)
        raise Killed

    monkeypatch.setattr(Journal, "record", record_and_raise)
    with pytest.raises(Killed):
        load(deployment, history)
    monkeypatch.setattr(Journal, "record", record)

    repeated = load(deployment, history, now_ms=LATER_MS)

    assert 0 < repeated.objects < complete.objects


def test_finished_file_is_skipped_unless_requested_again(deployment, history):
    first = load(deployment, history)
    before = end_state(deployment.client, history)

    second = load(deployment, history, now_ms=LATER_MS)
    again = load(deployment, history, now_ms=LATER_MS, again=True)

    assert (second.objects, second.files[0].imported_before_ms) == (0, NOW_MS)
    assert (second.imported, second.imported_before) == (0, first.imported)
    assert dict(second.files[0].rejected) == dict(first.files[0].rejected)
    assert (again.objects, again.files[0].imported_before_ms) == (first.objects, None)
    assert end_state(deployment.client, history) == before


def test_finished_file_with_deleted_rejects_writes_them_again(deployment, history):
    load(deployment, history)
    rejected = history.with_name("p.csv.rejected.csv")
    before = rejected.read_text()
    rejected.unlink()

    load(deployment, history, now_ms=LATER_MS)

    assert rejected.read_text() == before


def test_other_options_start_a_new_import(deployment, history):
    load(deployment, history)

    summary = load(deployment, history, event_type="purchase", now_ms=LATER_MS)

    # The repeated import overwrote every object of the first one.
    assert set(lake_rows(deployment).event_type) == {"purchase"}
    assert summary.objects == len(lake_objects(deployment))


def test_items_import_resumes_and_a_finished_one_starts_again(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr(load_metadata, "CHUNK_ROWS", 20)
    path = write(tmp_path / "i.csv", "ITEM_ID,TITLE\n" + "".join(f"{row},title {row}\n" for row in range(100)))
    stop_at(deployment, 9, Killed)
    with pytest.raises(Killed):
        load_items(deployment, path)
    go_on(deployment)
    dynamodb = deployment.client("dynamodb")

    def times():
        items = dynamodb.scan(TableName="catalogue")["Items"]
        return {item["item_id"]["S"]: int(item["updated_at_ms"]["N"]) for item in items}

    before = times()
    assert 0 < len(before) < 100

    summary = load_items(deployment, path, now_ms=LATER_MS)
    items = times()

    assert summary.imported == len(items) == 100
    # Each item has the time of its own write, so that it also replaces earlier values of other writers.
    assert all(NOW_MS <= at < LATER_MS for at in before.values())
    assert all(at >= LATER_MS for item_id, at in items.items() if item_id not in before)
    load_items(deployment, path, now_ms=LATER_MS)
    assert all(at >= LATER_MS for at in times().values())


def test_same_content_with_other_columns_is_refused(deployment, tmp_path):
    path = write(tmp_path / "p.csv", "USER_ID,ITEM_ID,SHIPPED,ORDERED\nann,a,1500000000,1400000000\n")
    by_order = {"mapping": ["ORDERED=TIMESTAMP"]}

    load(deployment, path, mapping=["SHIPPED=TIMESTAMP"])
    with pytest.raises(
        InvalidInput, match=r"imported before with other columns \(USER_ID, ITEM_ID, TIMESTAMP, ORDERED"
    ):
        load(deployment, path, **by_order)
    assert len(lake_objects(deployment)) == 1
    assert load(deployment, path, again=True, **by_order).imported == 1


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


@pytest.mark.parametrize("call", range(16))
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


def test_undo_keeps_a_merged_live_event_with_the_id_of_a_removed_one(imported):
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


def test_undo_keeps_profile_events_that_a_corrected_import_repeats(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr("operations.ingest.undo._BATCH_OBJECTS", 1)
    header, days = "USER_ID,ITEM_ID,EVENT_ID,TIMESTAMP\n", (1_500_000_000, 1_500_086_400, 1_500_172_800)
    wrong = f"ann,a,e1,{days[0]}\nann,b,e2,{days[0]}\nann,c,e3,{days[0]}\n"
    right = f"ann,a,e1,{days[1]}\nann,b,e2,{days[2]}\n"
    load(deployment, write(tmp_path / "wrong.csv", header + wrong), now_ms=NOW_MS)
    load(deployment, write(tmp_path / "right.csv", header + right), now_ms=NOW_MS + 1)

    undone = undo(deployment, NOW_MS)

    assert undone == Undone(rows=3, objects=1, profiles=1)
    assert sorted(lake_rows(deployment).event_time_ms) == [1000 * days[1], 1000 * days[2]]
    assert sorted(items_of(deployment, "ann")) == ["a", "b"]


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


def test_merge_of_deleted_objects_during_an_undo_is_a_conflict(imported):
    s3 = imported.client("s3")

    def merge(**_):
        s3.meta.events.unregister("before-call.s3.DeleteObject", unique_id="merge")
        objects = lake_objects(imported)
        merge_with_live_event(imported)
        for key, body in objects.items():
            s3.put_object(Bucket="lake", Key=key, Body=body)

    s3.meta.events.register_first("before-call.s3.DeleteObject", merge, unique_id="merge")

    with pytest.raises(ConcurrentUpdate, match="repeat the command"):
        undo(imported, NOW_MS)
    undo(imported, NOW_MS)

    assert set(lake_rows(imported).item_id) == {"c", "live"}
    assert [each.import_id for each in imports(imported)] == [NOW_MS + 1]


def test_object_written_again_during_an_undo_is_a_conflict(imported):
    """The import still runs, and its object has the same content as before."""
    s3, objects = imported.client("s3"), lake_objects(imported)

    def write_again(**_):
        s3.meta.events.unregister("after-call.s3.DeleteObject", unique_id="again")
        for key, body in objects.items():
            s3.put_object(Bucket="lake", Key=key, Body=body)

    s3.meta.events.register_first("after-call.s3.DeleteObject", write_again, unique_id="again")

    with pytest.raises(ConcurrentUpdate, match="merged or wrote rows of the import meanwhile; repeat the command"):
        undo(imported, NOW_MS)


def test_undo_of_an_unknown_import_error_has_the_list_command(imported):
    with pytest.raises(NotFound, match=r"no import 7; list them with `alsolike import list`"):
        undo(imported, 7)

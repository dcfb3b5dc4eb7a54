"""An interrupted and repeated import has the same result as an uninterrupted one."""

import io

import pyarrow.parquet as pq
import pytest

from alsolike.runtime.errors import InvalidInput
from operations.ingest import load_metadata
from operations.ingest.inputs import Options
from operations.ingest.journal import Journal
from operations.ingest.load import import_interactions
from operations.ingest.load_metadata import import_items
from tests.unit.cli.interruptions import LATER_MS, NOW_MS, Killed, empty, end_state, go_on, load, stop_at, write_history
from tests.unit.cli.stopped_import import small_pieces


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    small_pieces(monkeypatch.setattr)


@pytest.fixture
def history(tmp_path):
    return write_history(tmp_path / "p.csv")


def test_interrupted_and_repeated_import_has_the_same_result(deployment, history):
    """The tests in tests/slow/cli stop at every call."""
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

    summary = import_interactions([history], deployment, default_event_type="purchase", now_ms=LATER_MS)

    s3 = deployment.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake")["Contents"]]
    types = {
        kind
        for key in keys
        for kind in pq.read_table(io.BytesIO(s3.get_object(Bucket="lake", Key=key)["Body"].read()))[
            "event_type"
        ].to_pylist()
    }
    assert types == {"purchase"}  # The repeated import overwrote every object of the first one.
    assert summary.objects == len(keys)


def test_items_import_resumes_and_a_finished_one_starts_again(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr(load_metadata, "CHUNK_ROWS", 20)
    path = tmp_path / "i.csv"
    path.write_text("ITEM_ID,TITLE\n" + "".join(f"{row},title {row}\n" for row in range(100)))
    stop_at(deployment, 9, Killed)
    with pytest.raises(Killed):
        import_items([path], deployment, now_ms=NOW_MS)
    go_on(deployment)
    dynamodb = deployment.client("dynamodb")

    def times():
        found = dynamodb.scan(TableName="catalogue")["Items"]
        return {item["item_id"]["S"]: int(item["updated_at_ms"]["N"]) for item in found}

    before = times()
    assert 0 < len(before) < 100

    summary = import_items([path], deployment, now_ms=LATER_MS)
    items = times()

    assert summary.imported == len(items) == 100
    # Each item has the time of its own write, so that it also replaces values that other processes wrote before.
    assert all(NOW_MS <= at < LATER_MS for at in before.values())
    assert all(at >= LATER_MS for item_id, at in items.items() if item_id not in before)
    import_items([path], deployment, now_ms=LATER_MS)
    assert all(at >= LATER_MS for at in times().values())


def test_same_content_with_other_columns_is_refused(deployment, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("USER_ID,ITEM_ID,SHIPPED,ORDERED\nann,a,1500000000,1400000000\n")

    def load_by(column, *, again=False):
        options = Options(mapping=[f"{column}=TIMESTAMP"], again=again)
        return import_interactions(
            [path], deployment, default_event_type="view", now_ms=NOW_MS, options=options
        ).imported

    load_by("SHIPPED")
    with pytest.raises(
        InvalidInput, match=r"imported before with other columns \(USER_ID, ITEM_ID, TIMESTAMP, ORDERED"
    ):
        load_by("ORDERED")
    assert len(deployment.client("s3").list_objects_v2(Bucket="lake")["Contents"]) == 1
    assert load_by("ORDERED", again=True) == 1

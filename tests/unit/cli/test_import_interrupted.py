"""An interrupted and repeated import has the same result as an uninterrupted one."""

import pytest

from alsolike.runtime.errors import InvalidInput
from operations.ingest import load_metadata
from operations.ingest.journal import Journal
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

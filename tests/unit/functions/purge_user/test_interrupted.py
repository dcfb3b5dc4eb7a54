"""Interrupted and concurrent purges remove all rows and count each once. Rows that return in each pass are an error."""

import json

import pytest

from alsolike.runtime.errors import ConcurrentUpdate
from tests.builders.lambda_events import NOW_MS, interaction
from tests.builders.stores import PLACES, fill_stores
from tests.fakes.interruptions import Killed


def test_object_changed_during_the_purge_is_read_again_and_counted_once(stores):
    key = stores.put_rows(
        "mixed", interaction("a", user_id="ann"), interaction("b", user_id="bob"), interaction("c", user_id="cid")
    )
    erasure = stores.request_erasure("ann")

    class Racing:
        """S3 client in which another erasure removes Cid from the object just before the write."""

        def __getattr__(self, name):
            return getattr(stores.s3, name)

        def put_object(self, **request):
            if request["Key"] == key and "cid" in str(stores.rows()):
                stores.put_rows("mixed", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
            return stores.s3.put_object(**request)

    stores.step(erasure, s3=Racing())
    stores.finish(erasure)

    assert [row["event_id"] for row in stores.rows()] == ["b"]
    assert stores.purged(erasure)["lake"] == (1, 1)


def test_concurrent_erasures_keep_one_object(stores):
    users = [f"user-{number}" for number in range(20)]
    key = stores.put_rows("shared", *(interaction(user, user_id=user) for user in (*users, "bob")))

    erasures = [stores.request_erasure(user) for user in users]
    while erasures:  # Each erasure runs one step in turn.
        erasures = [erasure for erasure in erasures if stores.step(erasure) != "done"]
        assert stores.keys("interactions/") == [key]

    assert [row["user_id"] for row in stores.rows()] == ["bob"]


def test_rows_restored_by_a_compaction_are_found(stores):
    stores.put_rows("one", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
    erasure = stores.request_erasure("ann")
    stores.step(erasure)

    stores.put_rows("0-merged", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
    outcomes = stores.finish(erasure)

    assert outcomes == ["again", "done"]
    assert stores.holding("ann") == []


def test_row_written_before_the_scan_position_is_found_in_the_same_pass(stores):
    stores.put_rows("z", interaction("z", user_id="bob"))
    erasure = stores.request_erasure("ann")
    passed = False

    class Compacting:
        """S3 client that adds a row of Ann before the scan position, while the scan reads its last object."""

        def __getattr__(self, name):
            return getattr(stores.s3, name)

        def get_object(self, **request):
            nonlocal passed
            if request["Key"].endswith("z.parquet") and not passed:
                passed = True
                stores.put_rows("a", interaction("a", user_id="ann"))
            return stores.s3.get_object(**request)

    stores.step(erasure, s3=Compacting())

    assert purged_now(stores, erasure)["lake"] == [1, 1, NOW_MS]


def purged_now(stores, erasure):
    body = stores.body(f"privacy/pending/{erasure}.json", bucket=PLACES.artefact_bucket)
    return json.loads(body)["purged"]


def test_repeated_request_is_one_erasure_and_counts_once(stores):
    fill_stores(stores)
    erasure = stores.erase("ann.lee")
    first = stores.purged(erasure)

    again = stores.request_erasure("ann.lee", now_ms=NOW_MS + 5_000)
    stores.finish(again)

    assert again == erasure
    # The repeated request writes only the mark of the erased user to the profile table.
    assert stores.purged(erasure) == first | {"profiles": (first["profiles"][0] + 1, first["profiles"][1] + 1)}
    assert stores.receipt(erasure).requested_at_ms == NOW_MS
    assert stores.holding("ann.lee") == []


def test_purge_with_little_time_continues_in_the_next_calls(stores):
    fill_stores(stores)
    erasure = stores.request_erasure("ann.lee")

    outcomes: list[str] = []
    while not outcomes or outcomes[-1] != "done":
        outcomes.append(stores.step(erasure, remaining_ms=lambda: 0))  # Each call processes one unit.
        assert len(outcomes) < 200

    assert outcomes.count("more") > 20
    assert stores.holding("ann.lee") == []
    assert stores.purged(erasure)["lake"] == (5, 6)


class Dying:
    """S3 client that fails after `writes` writes."""

    def __init__(self, client, writes):
        self._client = client
        self._left = writes

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if name not in ("put_object", "delete_object", "delete_objects"):
            return method

        def call(**request):
            self._left -= 1
            if self._left < 0:
                raise Killed
            return method(**request)

        return call


def test_purge_killed_at_any_write_resumes_and_counts_once(stores):
    fill_stores(stores)
    erasure = stores.request_erasure("ann.lee")
    kills = 0

    done = False
    while not done:
        # An object needs up to five writes: saving the count, rewriting, deletion, and two for old versions.
        try:
            done = stores.step(erasure, s3=Dying(stores.s3, 5)) == "done"
        except Killed:
            kills += 1
        assert kills < 60

    assert kills > 10
    assert stores.holding("ann.lee") == []
    assert [row["event_id"] for row in stores.rows()] == ["b0", "b1", "b2"]
    assert stores.purged(erasure)["lake"] == (5, 6)
    assert stores.purged(erasure)["quarantine"] == (2, 2)
    assert {key.partition("/")[0] for key in stores.old_versions("ann.lee")} == {"interactions", "users"}


def test_user_stored_again_in_20_passes_raises_an_error(stores):
    erasure = stores.request_erasure("ann")

    for _ in range(19):
        stores.put_user("ann")
        assert stores.step(erasure) == "again"

    stores.put_user("ann")
    with pytest.raises(ConcurrentUpdate, match="20 passes"):
        stores.step(erasure)


def test_finished_erasure_is_done_immediately(stores):
    erasure = stores.erase("ann")

    assert stores.step(erasure) == "done"

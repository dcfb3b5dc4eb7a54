"""A purge finds the user in every store, leaves everybody else alone, and can die anywhere."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from alsolike.erasures import ReceiptStore
from alsolike.errors import ConcurrentUpdate, InvalidInput, NotFound
from alsolike.registry import CHAMPION_KEY
from functions.purge_user.service import MAX_PASSES, STORES
from tests.unit.functions.factories import NOW_MS, interaction
from tests.unit.functions.purge_user.stores import (
    OLD_SCHEMA,
    PLACES,
    PSEUDONYMS,
    Stores,
    parquet,
    people,
)


@pytest.fixture
def stores(aws: Callable[[str], Any]) -> Stores:
    return Stores.create(aws)


def receipt(stores: Stores, erasure: str) -> dict[str, Any]:
    return ReceiptStore(stores.s3, PLACES.artefact_bucket).read(erasure).document()


def purged(stores: Stores, erasure: str) -> dict[str, tuple[int, int]]:
    return {each["store"]: (each["objects"], each["records"]) for each in receipt(stores, erasure)["purged"]}


def test_nothing_of_the_user_is_left_anywhere(stores: Stores) -> None:
    people(stores)

    stores.finish(stores.ask("ann.lee"))

    assert stores.holding("ann.lee") == []
    assert [row["event_id"] for row in stores.rows()] == ["b0", "b1", "b2", "c1"]  # c1 came after the login


def test_neighbours_stay_as_they_were(stores: Stores) -> None:
    people(stores)
    before = [row for row in stores.rows() if row["user_id"] == "bob.ray"]
    objects = len(stores.holding("bob.ray"))

    stores.finish(stores.ask("ann.lee"))

    assert [row for row in stores.rows() if row["user_id"] == "bob.ray"] == before
    assert len(stores.holding("bob.ray")) == objects


def test_the_receipt_says_what_and_how_many_and_no_id(stores: Stores) -> None:
    people(stores)

    erasure = stores.ask("ann.lee")
    stores.finish(erasure)

    assert purged(stores, erasure) == {
        "profiles": (2, 2),  # the user's, and that of the session that joined it
        "users": (1, 1),
        "lake": (4, 5),  # mixed twice, once for its row of the session; again, with two rows; ann
        "served": (0, 0),
        "outcomes": (0, 0),
        "user changes": (2, 3),
        "quarantine": (2, 2),
        "failed batches": (2, 3),
        "datasets": (1, 2),
    }
    document = receipt(stores, erasure)
    assert (document["status"], document["user_hash"]) == ("complete", PSEUDONYMS.erased_user("ann.lee"))
    assert document["requested_at_ms"] == NOW_MS
    assert [each["store"] for each in document["purged"]] == list(STORES)
    assert {each["store"]: each["by"] for each in document["expiring"]} == {
        "old object versions": "2026-10-22",
        "batches": "2026-10-23",
        "event stream": "2026-09-23",
        "table streams": "2026-09-23",
        "table backups": "2026-10-27",
        "logs": "2026-09-29",
        "access logs": "2026-12-21",
    }


def test_copy_of_a_model_in_a_dataset_is_not_read(stores: Stores) -> None:
    """It holds no people, and is too large to be read for each erasure."""
    people(stores)
    key = "datasets/20260901t000000-aaaaaa/champion/graph.data"
    stores.put(key, b"what looks like ann.lee", bucket=PLACES.artefact_bucket)

    stores.finish(stores.ask("ann.lee"))

    assert key in stores.keys("datasets/", bucket=PLACES.artefact_bucket)


def test_models_trained_with_the_user_are_named_with_the_day_of_the_retrain(stores: Stores) -> None:
    people(stores)
    champion = {"history": [{"version": "20260901t000000-aaaaaa", "promoted_ms": 1, "reason": "first"}]}
    stores.put(CHAMPION_KEY, json.dumps(champion).encode(), bucket=PLACES.artefact_bucket)

    erasure = stores.ask("ann.lee")
    stores.finish(erasure)

    assert list(receipt(stores, erasure)["models"]) == [
        {
            "version": "20260101t000000-cccccc",  # its dataset has expired
            "is_champion": False,
            "trained_with_user": "unknown",
            "replaced_by": "2026-09-29",
        },
        {
            "version": "20260901t000000-aaaaaa",
            "is_champion": True,
            "trained_with_user": "yes",
            "replaced_by": "2026-09-29",
        },
    ]


def test_who_has_listed_an_object_reads_it_without_the_user(stores: Stores) -> None:
    stores.put_rows("mixed", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
    stores.put_rows("own", interaction("c", user_id="ann"))
    listed = stores.keys("interactions/")
    erasure = stores.ask("ann")

    stores.step(erasure)

    assert [key for key in listed if "own" not in key] == stores.keys("interactions/")
    assert [row["event_id"] for row in stores.rows()] == ["b"]


def test_an_object_that_another_writes_meanwhile_is_read_again_and_counted_once(stores: Stores) -> None:
    key = stores.put_rows(
        "mixed", interaction("a", user_id="ann"), interaction("b", user_id="bob"), interaction("c", user_id="cid")
    )
    erasure = stores.ask("ann")

    class Racing:
        """S3, where another erasure takes Cid out of the object just before it is written."""

        def __getattr__(self, name: str) -> Any:
            return getattr(stores.s3, name)

        def put_object(self, **request: Any) -> Any:
            if request["Key"] == key and "cid" in str(stores.rows()):
                stores.put_rows("mixed", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
            return stores.s3.put_object(**request)

    stores.step(erasure, s3=Racing())
    stores.finish(erasure)

    assert [row["event_id"] for row in stores.rows()] == ["b"]
    assert purged(stores, erasure)["lake"] == (1, 1)


def test_many_erasures_at_once_leave_one_object_one(stores: Stores) -> None:
    users = [f"user-{number}" for number in range(20)]
    key = stores.put_rows("shared", *(interaction(user, user_id=user) for user in (*users, "bob")))

    erasures = [stores.ask(user) for user in users]
    while erasures:  # one step of each in turn
        erasures = [erasure for erasure in erasures if stores.step(erasure) != "done"]
        assert stores.keys("interactions/") == [key]

    assert [row["user_id"] for row in stores.rows()] == ["bob"]


def test_a_user_who_is_called_as_something_in_a_manifest_does_not_cost_it(stores: Stores) -> None:
    manifest = stores.put(
        "datasets/20260901t000000-aaaaaa/manifest.json",
        b'{"event_weights": {"view": 1}}',
        bucket=PLACES.artefact_bucket,
    )

    stores.finish(stores.ask("view"))

    assert manifest in stores.keys("datasets/", bucket=PLACES.artefact_bucket)


def test_rows_brought_back_by_a_compaction_are_found(stores: Stores) -> None:
    stores.put_rows("one", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
    erasure = stores.ask("ann")
    stores.step(erasure)

    stores.put_rows("0-merged", interaction("a", user_id="ann"), interaction("b", user_id="bob"))
    outcomes = stores.finish(erasure)

    assert outcomes == ["again", "done"]
    assert stores.holding("ann") == []


def test_rows_written_behind_the_scan_are_found_in_the_same_pass(stores: Stores) -> None:
    stores.put_rows("z", interaction("z", user_id="bob"))
    erasure = stores.ask("ann")
    passed = False

    class Compacting:
        """S3, where a row of Ann's appears behind the scan once it has passed."""

        def __getattr__(self, name: str) -> Any:
            return getattr(stores.s3, name)

        def get_object(self, **request: Any) -> Any:
            nonlocal passed
            if request["Key"].endswith("z.parquet") and not passed:
                passed = True
                stores.put_rows("a", interaction("a", user_id="ann"))
            return stores.s3.get_object(**request)

    stores.step(erasure, s3=Compacting())

    assert purged_now(stores, erasure)["lake"] == [1, 1, NOW_MS]


def purged_now(stores: Stores, erasure: str) -> dict[str, list[int]]:
    body = stores.body(f"privacy/pending/{erasure}.json", bucket=PLACES.artefact_bucket)
    counts: dict[str, list[int]] = json.loads(body)["purged"]
    return counts


def test_a_session_whose_first_login_is_another_users_stays(stores: Stores) -> None:
    stores.put_rows(
        "shared",
        interaction("1", user_id=None, session_id="s", event_time_ms=1),
        interaction("2", user_id="bob", session_id="s", event_time_ms=2),
        interaction("3", user_id="ann", session_id="s", event_time_ms=3),
    )

    stores.finish(stores.ask("ann"))

    assert [row["event_id"] for row in stores.rows()] == ["1", "2"]


def test_a_session_only_row_in_another_object_goes_by_the_login(stores: Stores) -> None:
    stores.put_rows("a-browsed", interaction("1", user_id=None, session_id="s", event_time_ms=1))
    stores.put_rows("b-login", interaction("2", user_id="ann", session_id="s", event_time_ms=2))
    stores.put_rows("c-after", interaction("3", user_id=None, session_id="s", event_time_ms=3))

    stores.finish(stores.ask("ann"))

    assert [row["event_id"] for row in stores.rows()] == ["3"]


def test_objects_of_before_the_newest_column_keep_their_columns(stores: Stores) -> None:
    stores.put_rows("old", interaction("a", user_id="ann"), interaction("b", user_id="bob"), schema=OLD_SCHEMA)

    stores.finish(stores.ask("ann"))

    (row,) = stores.rows()
    assert list(row) == OLD_SCHEMA.names


def test_a_dictionary_of_texts_does_not_keep_the_user(stores: Stores) -> None:
    key = stores.put_rows("mixed", interaction("a", user_id="ann.lee"), interaction("b", user_id="bob.ray"))
    table = pq.read_table(io.BytesIO(stores.body(key)))
    place = table.schema.get_field_index("user_id")
    stores.put(key, parquet(table.set_column(place, "user_id", table["user_id"].dictionary_encode())))

    stores.finish(stores.ask("ann.lee"))

    (left,) = stores.keys("interactions/")
    assert b"bob.ray" in stores.body(left)
    assert b"ann.lee" not in stores.body(left)


def test_a_corrupt_object_is_named_and_not_passed_over(stores: Stores) -> None:
    stores.put("interactions/event_date=2026-09-21/bad.parquet", b"PAR1 no")

    with pytest.raises(InvalidInput, match=r"bad\.parquet is not a Parquet file"):
        stores.step(stores.ask("ann"))


def test_asking_twice_is_one_erasure_and_counts_once(stores: Stores) -> None:
    people(stores)
    erasure = stores.ask("ann.lee")
    stores.finish(erasure)
    first = purged(stores, erasure)

    again = stores.ask("ann.lee", now_ms=NOW_MS + 5_000)
    stores.finish(again)

    assert again == erasure
    # The tombstone's own row in the profile table is the one thing that asking writes.
    assert purged(stores, erasure) == first | {"profiles": (first["profiles"][0] + 1, first["profiles"][1] + 1)}
    assert receipt(stores, erasure)["requested_at_ms"] == NOW_MS
    assert stores.holding("ann.lee") == []


def test_the_request_is_forgotten_with_all_its_versions(stores: Stores) -> None:
    people(stores)

    stores.finish(stores.ask("ann.lee"))

    versions = stores.s3.list_object_versions(Bucket=PLACES.artefact_bucket, Prefix="privacy/pending/")
    assert "Versions" not in versions
    assert "DeleteMarkers" not in versions


def test_a_call_without_time_does_a_part_and_the_next_goes_on(stores: Stores) -> None:
    people(stores)
    erasure = stores.ask("ann.lee")

    outcomes: list[str] = []
    while not outcomes or outcomes[-1] != "done":
        outcomes.append(stores.step(erasure, remaining_ms=lambda: 0))  # one unit a call
        assert len(outcomes) < 200

    assert outcomes.count("more") > 20
    assert stores.holding("ann.lee") == []
    assert purged(stores, erasure)["lake"] == (4, 5)


class Dying:
    """S3 that fails at its n-th write."""

    def __init__(self, client: Any, writes: int) -> None:
        self._client = client
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in ("put_object", "delete_object", "delete_objects"):
            return method

        def call(**request: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise KilledError
            return method(**request)

        return call


class KilledError(Exception):
    """The process ended."""


def test_killed_at_any_write_it_resumes_and_counts_nothing_twice(stores: Stores) -> None:
    people(stores)
    erasure = stores.ask("ann.lee")
    kills = 0

    done = False
    while not done:
        # Of the writes of one unit (count, write anew, delete) the last may be left to the next life, never all.
        try:
            done = stores.step(erasure, s3=Dying(stores.s3, 4)) == "done"
        except KilledError:
            kills += 1
        assert kills < 60

    assert kills > 10
    assert stores.holding("ann.lee") == []
    assert [row["event_id"] for row in stores.rows()] == ["b0", "b1", "b2", "c1"]
    assert purged(stores, erasure)["lake"] == (4, 5)
    assert purged(stores, erasure)["quarantine"] == (2, 2)


def test_somebody_who_keeps_coming_back_is_reported(stores: Stores) -> None:
    erasure = stores.ask("ann")

    for _ in range(MAX_PASSES - 1):
        stores.put_user("ann")
        assert stores.step(erasure) == "again"

    stores.put_user("ann")
    with pytest.raises(ConcurrentUpdate, match=f"{MAX_PASSES} passes"):
        stores.step(erasure)


def test_an_unknown_erasure_is_refused(stores: Stores) -> None:
    with pytest.raises(NotFound, match="there is no erasure ffff"):
        stores.step("ffff")


def test_a_finished_erasure_is_done_again_at_once(stores: Stores) -> None:
    erasure = stores.ask("ann")
    stores.finish(erasure)

    assert stores.step(erasure) == "done"

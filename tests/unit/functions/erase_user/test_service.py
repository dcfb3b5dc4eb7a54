"""Requests of an erasure. The first one is effective immediately, and a repeated one starts no concurrent purge."""

import json

import orjson
import pytest

from alsolike.declarations.storage import TOMBSTONES_KEY
from alsolike.privacy.erasures import pending_key
from alsolike.privacy.tombstones import TombstoneReader, long_key
from alsolike.runtime.errors import Unavailable
from tests.builders.lambda_events import NOW_MS
from tests.builders.stores import PLACES, PSEUDONYMS


def is_erased(stores, user):
    return TombstoneReader(stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS).erased(user, now_ms=NOW_MS)


def test_workflow_input_and_name_contain_no_user_id(stores):
    erasure = stores.request_erasure("ann.lee")

    assert stores.workflows.started == [f"{erasure}-1"]
    assert [json.loads(text) for text in stores.workflows.inputs] == [{"erasure_id": erasure}]
    assert PSEUDONYMS.erased_user("ann.lee").startswith(erasure)


def test_request_during_a_running_erasure_changes_nothing(stores):
    erasure = stores.request_erasure("ann")
    before = stores.receipt(erasure)

    assert stores.request_erasure("ann", now_ms=NOW_MS + 1_000) == erasure

    assert stores.workflows.started == [f"{erasure}-1"]
    assert stores.receipt(erasure) == before


@pytest.mark.parametrize("length", [1, 256])
def test_receipt_contains_all_hashes_of_the_tombstones(length, stores):
    receipt = stores.receipt(stores.request_erasure("u" * length))

    stones = orjson.loads(stores.body(TOMBSTONES_KEY, bucket=PLACES.artefact_bucket))["erased"]
    assert {receipt.user_hash, *receipt.further_hashes} == set(stones)


def test_request_at_the_end_of_the_run_does_not_reopen_the_receipt(stores):
    erasure = stores.request_erasure("ann")
    while stores.step(erasure) != "done":
        pass

    stores.request_erasure("ann")

    assert stores.workflows.started == [f"{erasure}-1"]
    assert stores.receipt(erasure).status == "complete"


def test_request_after_the_end_starts_a_second_run(stores):
    erasure = stores.erase("ann")

    stores.request_erasure("ann", now_ms=NOW_MS + 1_000)

    assert stores.workflows.started == [f"{erasure}-1", f"{erasure}-2"]
    found = stores.receipt(erasure)
    assert (found.runs, found.status, found.requested_at_ms) == (2, "running", NOW_MS)


def test_request_after_90_days_starts_a_run_with_a_new_name(stores):
    erasure = stores.erase("ann")
    stores.workflows.started.clear()  # Step Functions deletes an execution after 90 days.

    stores.request_erasure("ann", now_ms=NOW_MS + 91 * 86_400_000)

    assert stores.workflows.started == [f"{erasure}-2"]
    assert stores.receipt(erasure).status == "running"


def test_failed_run_is_resumed_from_its_progress(stores):
    erasure = stores.request_erasure("ann")
    stores.step(erasure)
    progress = stores.body(pending_key(erasure), bucket=PLACES.artefact_bucket)
    stores.workflows.running.clear()

    stores.request_erasure("ann")

    assert stores.workflows.started == [f"{erasure}-1", f"{erasure}-2"]
    assert stores.body(pending_key(erasure), bucket=PLACES.artefact_bucket) == progress


def test_failed_workflow_start_is_repaired_by_repeating_the_request(stores):
    stores.workflows.is_down = True
    with pytest.raises(Unavailable, match="workflow does not start"):
        stores.request_erasure("ann")
    assert is_erased(stores, "ann")  # The completed step remains effective.
    stores.workflows.is_down = False

    erasure = stores.request_erasure("ann", now_ms=NOW_MS + 1_000)

    assert stores.workflows.started == [f"{erasure}-1"]
    assert stores.receipt(erasure).requested_at_ms == NOW_MS


def test_stream_key_of_a_long_id_is_erased_too(stores):
    long = "u" * 256
    key = long_key(f"u#{long}")
    assert key is not None

    stores.request_erasure(long)

    assert [is_erased(stores, user) for user in (long, key, "u" * 255)] == [True, True, False]

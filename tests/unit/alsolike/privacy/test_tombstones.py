import functools
import itertools
import json
import time

import orjson
import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.declarations.retention import SESSION_TOMBSTONE_DAYS
from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX, TOMBSTONES_KEY
from alsolike.events.interactions import profile_id
from alsolike.events.stream_records import StreamRecord, partition_key
from alsolike.privacy.erasures import ID_DIGITS, ErasureReceipt, ErasureReceiptStore
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import (
    MAX_ATTEMPTS,
    TombstoneReader,
    add_session_tombstones,
    add_tombstone,
    long_key,
    names_erased,
    repair_tombstones,
)
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.runtime.observability import shared_counters
from alsolike.runtime.polling import Polling
from tests.fakes.places import BUCKET

PSEUDONYMS = Pseudonyms(b"k" * 32)


def erase(s3, user, *, now_ms=1):
    return add_tombstone(s3, BUCKET, PSEUDONYMS.erased_user(user), now_ms=now_ms)


def reader(s3, *, check_s=5):
    return TombstoneReader(s3, BUCKET, lambda: PSEUDONYMS, polling=Polling(check_s))


@pytest.fixture
def damages(capsys):
    """Return a function that returns the count of `TombstonesDamaged` since its last call."""
    shared_counters.clear()

    def count():
        shared_counters.write()
        lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        return sum(sum(json.loads(line)["TombstonesDamaged"]) for line in lines)

    return count


@pytest.mark.parametrize("length", [1, 254, 255, 256])
def test_record_with_the_key_of_an_erased_user_is_recognised(s3, length):
    user, other = "u" * length, "v" * length
    erase(s3, user)
    if (key := long_key(profile_id(user_id=user, session_id=None))) is not None:
        erase(s3, key)
    found = reader(s3)

    def named(name):
        key = partition_key(profile_id(user_id=name, session_id=None))
        record = StreamRecord("events", "shard-1", "1", 1, b"no JSON", key)
        return names_erased(record, functools.partial(found.erased, now_ms=1))

    assert (named(user), named(other)) == (True, False)


@pytest.mark.parametrize("field", ["user_id", "userId"])
def test_record_with_a_numeric_id_of_an_erased_user_is_recognised(s3, field):
    erase(s3, "4711")
    found = reader(s3)

    def named(user_id):
        record = StreamRecord("shop-events", "kafka-shop-events-0", "1", 1, orjson.dumps({field: user_id}))
        return names_erased(record, functools.partial(found.erased, now_ms=1))

    assert (named(4711), named("4711"), named(4712), named(["4711"])) == (True, True, False, True)


class Counting:
    def __init__(self, client):
        self.client = client
        self.reads = self.downloads = 0
        self.down = False

    def get_object(self, **request):
        self.reads += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://s3")
        response = self.client.get_object(**request)
        self.downloads += 1
        return response

    def __getattr__(self, name):
        return getattr(self.client, name)


def test_reader_without_tombstones_erases_no_user_and_reads_no_secret(s3):
    def no_secret():
        raise AssertionError("asked for the secret")

    assert not TombstoneReader(s3, BUCKET, no_secret).erased("ann", now_ms=0)


def test_erased_user_is_recognised_by_the_hash(s3):
    erase(s3, "ann")
    tombstones = reader(s3)

    assert tombstones.erased("ann", now_ms=0)
    assert not tombstones.erased("bob", now_ms=0)
    assert not tombstones.erased(None, now_ms=0)
    assert b"ann" not in s3.get_object(Bucket=BUCKET, Key=TOMBSTONES_KEY)["Body"].read()


def test_new_tombstone_is_visible_only_after_the_interval(s3):
    counting = Counting(s3)
    tombstones = reader(counting)
    assert not tombstones.erased("ann", now_ms=10_000)
    erase(s3, "ann")

    assert not tombstones.erased("ann", now_ms=14_999)
    assert counting.reads == 1
    assert tombstones.erased("ann", now_ms=15_000)
    assert counting.reads == 2


def test_unchanged_object_is_not_downloaded_again(s3, damages):
    erase(s3, "ann")
    counting = Counting(s3)
    tombstones = reader(counting)

    assert all(tombstones.erased("ann", now_ms=now_ms) for now_ms in (0, 5_000))
    assert (counting.reads, counting.downloads) == (2, 1)  # S3 responds with 304 to the second read.
    assert damages() == 0


def test_tombstones_are_kept_during_a_failure(s3):
    erase(s3, "ann")
    counting = Counting(s3)
    tombstones = reader(counting)
    tombstones.current(now_ms=0)
    counting.down = True

    assert tombstones.erased("ann", now_ms=5_000)
    assert tombstones.erased("ann", now_ms=9_999)
    assert counting.reads == 2  # After a failure, calls within the interval do not read again.
    counting.down = False
    erase(s3, "bob")
    assert tombstones.erased("bob", now_ms=10_000)


def test_tombstones_never_read_raise_unavailable(s3):
    counting = Counting(s3)
    counting.down = True
    tombstones = reader(counting)

    for now_ms in (0, 1):  # Without a cached value, each call reads and fails.
        with pytest.raises(Unavailable, match=rf"s3://artefacts/{TOMBSTONES_KEY}"):
            tombstones.erased("ann", now_ms=now_ms)


def test_repeated_erasure_keeps_the_first_time(s3):
    assert erase(s3, "ann", now_ms=5) == 5
    assert erase(s3, "ann", now_ms=9) == 5

    assert list(reader(s3).current(now_ms=0).users.values()) == [5]


def test_writer_overtaken_at_every_attempt_raises_concurrent_update(s3):
    numbers = itertools.count()

    class Overtaken:
        def __getattr__(self, name):
            return getattr(s3, name)

        def put_object(self, **request):
            erase(s3, f"other-{next(numbers)}")
            return s3.put_object(**request)

    with pytest.raises(ConcurrentUpdate, match=f"changed {MAX_ATTEMPTS} times"):
        erase(Overtaken(), "ann")


@pytest.mark.parametrize("document", [b"[]", b"{", json.dumps({"format_version": 2, "erased": {}}).encode()])
def test_invalid_tombstones_object_raises_unavailable(s3, document):
    s3.put_object(Bucket=BUCKET, Key=TOMBSTONES_KEY, Body=document)

    with pytest.raises(Unavailable, match=TOMBSTONES_KEY):
        reader(s3).erased("ann", now_ms=0)


def put_receipt(s3, user, *, sessions=(), requested_at_ms=1):
    user_hash, sessions = PSEUDONYMS.erased_user(user), tuple(map(PSEUDONYMS.shopper, sessions))
    receipt = ErasureReceipt(
        user_hash[:ID_DIGITS], user_hash, requested_at_ms=requested_at_ms, session_hashes=sessions,
        further_hashes=(PSEUDONYMS.shopper(user),),
    )  # fmt: skip
    ErasureReceiptStore(s3, BUCKET).write(receipt)


def erase_both(s3):
    """Erase Ann and then Bob. Return the tombstones before Bob's erasure."""
    erase(s3, "ann")
    add_tombstone(s3, BUCKET, PSEUDONYMS.shopper("ann"), now_ms=1)
    put_receipt(s3, "ann")
    older = s3.get_object(Bucket=BUCKET, Key=TOMBSTONES_KEY)["Body"].read()
    erase(s3, "bob")
    add_tombstone(s3, BUCKET, PSEUDONYMS.shopper("bob"), now_ms=1)
    add_session_tombstones(s3, BUCKET, [PSEUDONYMS.shopper("visit")], now_ms=1)
    put_receipt(s3, "bob", sessions=["visit"])
    return older


EMPTY = b'{"format_version": 1, "erased": {}, "sessions": {}}'
DAMAGES = ["deleted", "emptied", "older", "unreadable"]


def damage(s3, form, older):
    if form == "deleted":
        s3.delete_object(Bucket=BUCKET, Key=TOMBSTONES_KEY)
    else:
        body = {"emptied": EMPTY, "older": older, "unreadable": b"{"}[form]
        s3.put_object(Bucket=BUCKET, Key=TOMBSTONES_KEY, Body=body)


def assert_both_erased(tombstones):
    assert tombstones.erased("ann", now_ms=0)
    assert tombstones.erased("bob", now_ms=0)
    assert tombstones.erased(None, "visit", now_ms=0)


@pytest.mark.parametrize("form", ["deleted", "emptied", "older"])
def test_damaged_tombstones_are_completed_from_receipts(s3, form, damages):
    damage(s3, form, erase_both(s3))
    tombstones = reader(s3)

    assert_both_erased(tombstones)
    assert PSEUDONYMS.shopper("bob") in tombstones.current(now_ms=0).users
    assert not tombstones.erased("eve", now_ms=0)
    assert damages() == 1


@pytest.mark.parametrize("form", DAMAGES)
def test_process_that_read_tombstones_keeps_them(s3, form, damages):
    older = erase_both(s3)
    tombstones = reader(s3)
    tombstones.current(now_ms=0)
    damage(s3, form, older)

    for now_ms in (5_000, 10_000):  # The alarm lasts until the repair.
        assert tombstones.erased("bob", now_ms=now_ms)
        assert tombstones.erased(None, "visit", now_ms=now_ms)
        assert damages() == 1


@pytest.mark.parametrize("form", ["deleted", "emptied", "older"])
def test_next_erasure_repairs_damaged_tombstones(s3, form, damages):
    damage(s3, form, erase_both(s3))

    erase(s3, "eve")

    stored = orjson.loads(s3.get_object(Bucket=BUCKET, Key=TOMBSTONES_KEY)["Body"].read())
    assert {PSEUDONYMS.erased_user(user) for user in ("ann", "bob", "eve")} <= set(stored["erased"])
    assert list(stored["sessions"]) == [PSEUDONYMS.shopper("visit")]
    assert reader(s3).erased("bob", now_ms=0)
    assert damages() == 0


@pytest.mark.parametrize("form", DAMAGES)
def test_repair_restores_tombstones_of_receipts(s3, form, damages):
    damage(s3, form, erase_both(s3))

    assert repair_tombstones(s3, BUCKET) == {"older": 3}.get(form, 5)

    damages()
    assert_both_erased(reader(s3))
    assert damages() == 0
    assert repair_tombstones(s3, BUCKET) == 0


def test_repair_restores_sessions_of_known_users(s3):
    erase_both(s3)
    stored = orjson.loads(s3.get_object(Bucket=BUCKET, Key=TOMBSTONES_KEY)["Body"].read())
    s3.put_object(Bucket=BUCKET, Key=TOMBSTONES_KEY, Body=orjson.dumps({**stored, "sessions": {}}))

    repair_tombstones(s3, BUCKET)

    assert reader(s3).erased(None, "visit", now_ms=0)


def test_object_from_before_the_sessions_of_an_erasure_is_damaged(s3, damages):
    requested_ms = time.time_ns() // 1_000_000 - 3_600_000
    erase(s3, "ann", now_ms=requested_ms)
    add_tombstone(s3, BUCKET, PSEUDONYMS.shopper("ann"), now_ms=requested_ms)
    older = s3.get_object(Bucket=BUCKET, Key=TOMBSTONES_KEY)["Body"].read()
    add_session_tombstones(s3, BUCKET, [PSEUDONYMS.shopper("visit")], now_ms=requested_ms + 1)
    put_receipt(s3, "ann", sessions=["visit"], requested_at_ms=requested_ms)
    running = reader(s3)
    assert running.erased(None, "visit", now_ms=0)
    assert damages() == 0
    s3.put_object(Bucket=BUCKET, Key=TOMBSTONES_KEY, Body=older)

    for tombstones in (reader(s3), running):
        assert tombstones.erased(None, "visit", now_ms=5_000)
        assert damages() == 1
    erase(s3, "bob")

    assert reader(s3).erased(None, "visit", now_ms=0)
    assert damages() == 0


def test_expired_sessions_of_a_receipt_are_not_missed(s3, damages):
    now_ms = time.time_ns() // 1_000_000
    requested_ms = now_ms - (SESSION_TOMBSTONE_DAYS + 1) * 86_400_000
    erase(s3, "ann", now_ms=requested_ms)
    add_tombstone(s3, BUCKET, PSEUDONYMS.shopper("ann"), now_ms=requested_ms)
    add_session_tombstones(s3, BUCKET, [PSEUDONYMS.shopper("visit")], now_ms=requested_ms)
    running = reader(s3)
    running.current(now_ms=0)
    add_session_tombstones(s3, BUCKET, [PSEUDONYMS.shopper("other")], now_ms=now_ms)
    put_receipt(s3, "ann", sessions=["visit"], requested_at_ms=requested_ms)

    for tombstones in (reader(s3), running):
        tombstones.current(now_ms=5_000)
        assert damages() == 0


def test_erasure_between_two_reads_is_not_reported_as_damage(s3, damages):
    erase(s3, "ann")

    class ErasingMeanwhile(Counting):
        def get_paginator(self, operation):
            erase(s3, "bob")
            add_tombstone(s3, BUCKET, PSEUDONYMS.shopper("bob"), now_ms=1)
            put_receipt(s3, "bob")
            return s3.get_paginator(operation)

    assert reader(ErasingMeanwhile(s3)).erased("bob", now_ms=0)
    assert damages() == 0


def test_unreadable_receipt_without_a_tombstone_raises_unavailable(s3):
    s3.put_object(Bucket=BUCKET, Key=f"{ERASURE_RECEIPTS_PREFIX}0123.json", Body=b"{}")

    with pytest.raises(Unavailable, match=r"0123\.json"):
        reader(s3).erased("ann", now_ms=0)


def test_session_tombstone_matches_records_without_a_user_and_expires(s3):
    later_ms = (SESSION_TOMBSTONE_DAYS + 1) * 86_400_000
    erase(s3, "ann")
    add_session_tombstones(s3, BUCKET, [PSEUDONYMS.shopper("visit")], now_ms=1)

    assert reader(s3).erased(None, "visit", now_ms=0)
    assert not reader(s3).erased("bob", "visit", now_ms=0)
    assert not reader(s3).erased(None, "other", now_ms=0)
    add_session_tombstones(s3, BUCKET, [PSEUDONYMS.shopper("other")], now_ms=later_ms)
    assert list(reader(s3).current(now_ms=0).sessions) == [PSEUDONYMS.shopper("other")]
    assert reader(s3).erased("ann", now_ms=0)

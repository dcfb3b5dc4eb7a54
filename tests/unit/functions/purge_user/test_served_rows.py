"""Recommendations to an erased user, which are deleted from every store."""

import base64
import gzip
import json

import pyarrow as pa
import pytest

from alsolike.declarations.storage import TOMBSTONES_KEY
from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.user_matcher import Owner
from alsolike.records.outcome import OUTCOMES_COLUMNS
from functions.archive_served.service import to_parquet
from functions.purge_user.served_rows import Hashes, without_served_lines
from tests.builders.lambda_events import NOW_MS, interaction
from tests.builders.parquet import parquet_of, table_of
from tests.builders.served_rows import served
from tests.builders.served_rows import stored as as_stored
from tests.builders.stores import PLACES, PSEUDONYMS

ANN, BOB, VISIT = (PSEUDONYMS.shopper(each) for each in ("ann.lee", "bob.ray", "s-ann"))
DAY = "served/served_date=2026-09-21/"


@pytest.fixture
def stores(stores):
    """Return stores in which Ann logged in to the session s-ann at `NOW_MS`."""
    stores.put_rows("login", interaction("a0", user_id="ann.lee", session_id="s-ann", event_time_ms=NOW_MS))
    return stores


def to_outcomes(rows):
    kept = [{name: value for name, value in as_stored(row).items() if name in OUTCOMES_COLUMNS} for row in rows]
    for each in kept:
        del each["degraded"]
    return parquet_of(pa.Table.from_pylist(kept))


def shoppers(stores, prefix):
    tables = [table_of(stores.body(key)) for key in stores.keys(prefix)]
    return [shopper for table in tables for shopper in table["shopper"].to_pylist()]


def delivery(*rows):
    events = [{"id": f"{n:056d}", "timestamp": NOW_MS, "message": row.to_line()} for n, row in enumerate(rows)]
    lines = {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": events}
    data = base64.b64encode(gzip.compress(json.dumps(lines).encode())).decode()
    return json.dumps({"requestContext": {}, "requestPayload": {"awslogs": {"data": data}}}).encode()


def test_log_rows_of_the_user_are_removed_and_others_are_kept(stores):
    mine, others, nobodys = served(shopper=ANN), served(shopper=BOB), served(shopper=None)
    stores.put(f"{DAY}mixed.parquet", to_parquet([mine, others, nobodys, mine]))
    stores.put(f"{DAY}own.parquet", to_parquet([mine]))
    stores.put("outcomes/served_date=2026-09-21/a.parquet", to_outcomes([mine, others]))

    erasure = stores.erase("ann.lee")

    assert shoppers(stores, "served/") == [BOB, None]
    assert shoppers(stores, "outcomes/") == [BOB]
    assert not {key.partition("/")[0] for key in stores.old_versions(ANN)} & {"served", "outcomes"}
    assert stores.purged(erasure)["served"] == (2, 3)
    assert stores.purged(erasure)["outcomes"] == (1, 1)


def test_responses_of_the_users_session_are_removed_at_any_time(stores):
    before = {"served_ms": NOW_MS - 5}
    rows = [
        served(shopper=VISIT, **before),
        served(shopper=None, session=VISIT, **before),
        served(shopper=ANN, session=VISIT, served_ms=NOW_MS + 5),
        served(shopper=None, session=VISIT, served_ms=NOW_MS + 5),
        served(shopper=BOB, session=VISIT, served_ms=NOW_MS - 5),
        served(shopper=None, session=BOB, **before),
    ]
    stores.put(f"{DAY}a.parquet", to_parquet(rows))

    stores.erase("ann.lee")

    (content,) = map(stores.body, stores.keys("served/"))
    left = table_of(content).to_pylist()
    assert [row["recommendation_id"] for row in left] == [row.recommendation_id for row in rows[4:]]


def test_log_lines_in_quarantine_and_failed_deliveries_are_removed(stores):
    rows = {"ann": served(shopper=ANN), "bob": served(shopper=BOB), "visit": served(shopper=None, session=VISIT)}
    for name, row in rows.items():
        record = StreamRecord("log", "served-0123", name, NOW_MS, row.to_line().encode())
        stores.put(f"quarantine/dt=2026-09-21/served-{name}.json", QuarantinedRecord(record, "bad").to_json())
    stores.put("aws/lambda/async/f/mixed", delivery(served(shopper=ANN), served(shopper=BOB)))
    stores.put("aws/lambda/async/f/own", delivery(served(shopper=ANN)))
    untouched = delivery(served(shopper=BOB))
    stores.put("aws/lambda/async/f/bob", untouched)

    erasure = stores.erase("ann.lee")

    assert stores.keys("quarantine/") == ["quarantine/dt=2026-09-21/served-bob.json"]
    assert stores.keys("aws/lambda/") == ["aws/lambda/async/f/bob", "aws/lambda/async/f/mixed"]
    assert stores.body("aws/lambda/async/f/bob") == untouched
    assert stores.purged(erasure)["failed batches"] == (2, 2)
    bob_hashes = Hashes(BOB, frozenset(), frozenset(), ids_are_hashed=False)
    removal = without_served_lines(stores.body("aws/lambda/async/f/mixed"), bob_hashes)
    assert (removal.owners, removal.rest) == ([Owner.USER], None)  # Only Bob's line remained.


@pytest.mark.parametrize(
    ("line", "owner"),
    [
        (b'{"served": {"shopper": ["x"], "session": "%s"' % VISIT.encode(), Owner.USER),
        (b'{"served": {"shopper": "%s"' % BOB[:9].encode(), Owner.UNDECIDED),
        (b'{"other": 1}', Owner.UNDECIDED),
        (b'{"served": 1}', Owner.UNDECIDED),
        (b'{"served": {}}', Owner.OTHER),
        (b'{"served": {"shopper": "%s"}}' % BOB.encode(), Owner.OTHER),
    ],
)
def test_unreadable_line_is_matched_by_its_hashes(line, owner):
    assert Hashes(ANN, frozenset([VISIT]), frozenset(), ids_are_hashed=False).owner(line) is owner


@pytest.mark.parametrize("body", [b"", b"{}", b'{"payload": "{}"}', b'{"requestPayload": {"awslogs": {"data": "!"}}}'])
def test_body_that_is_not_a_delivery_is_ignored(body):
    assert without_served_lines(body, Hashes(ANN, frozenset(), frozenset(), ids_are_hashed=False)) is None


def test_tombstone_has_the_hash_used_in_log_lines(stores):
    stores.request_erasure("ann.lee")

    written = json.loads(stores.body(TOMBSTONES_KEY, bucket=PLACES.artefact_bucket))

    assert set(written["erased"]) == {PSEUDONYMS.erased_user("ann.lee"), ANN}


def test_purge_repeated_after_its_end_counts_nothing_again(stores):
    stores.put(f"{DAY}own.parquet", to_parquet([served(shopper=ANN)]))
    erasure = stores.request_erasure("ann.lee")
    pending = f"privacy/pending/{erasure}.json"
    while True:
        progress = stores.body(pending, bucket=PLACES.artefact_bucket)
        if stores.step(erasure) == "done":
            break

    stores.put(pending, progress, bucket=PLACES.artefact_bucket)
    assert stores.step(erasure) == "done"

    assert stores.purged(erasure)["served"] == (1, 1)

"""Export of a user's data by the shop's user ID.

The error for a too large export names the command that exports the data.
"""

import dataclasses
import time
import zlib
from typing import Any

import orjson
import pytest

from alsolike.events.interactions import profile_id
from alsolike.profiles import export_state
from alsolike.schema.queries import token_of_row
from functions.archive_served.service import to_parquet
from functions.compact_lake.selection import MergeRules
from functions.export_user import handler, service
from functions.export_user.manifest import MANIFEST
from tests.builders.lakes import keep_up
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event, interaction
from tests.builders.served_rows import served
from tests.builders.stores import PLACES, PSEUDONYMS, fill_stores

LISTS = ("sessions", "interactions", "recommendations", "quarantine")
EMPTY: dict[str, Any] = {"user": None, "profile": None, "erasure": None, **{name: [] for name in LISTS}}


@pytest.fixture
def stores(aws, stores, set_variables):
    """Return a deployment whose secret has the key of `PSEUDONYMS`."""
    aws("secretsmanager").create_secret(Name="key-of-people", SecretString="k" * 32)
    set_variables(
        LAKE_BUCKET=PLACES.lake_bucket,
        ARTEFACT_BUCKET=PLACES.artefact_bucket,
        PROFILES_TABLE=PLACES.profiles_table,
        USERS_TABLE=PLACES.users_table,
        SECRET_ARN="key-of-people",
    )
    return stores


def export(user, *, remaining_ms=29_000, token=None, context=None):
    query = {} if token is None else {"nextToken": token}
    event = http_event("GET /users/{userId}/data", path={"userId": user}, query=query)
    answer = handler.lambda_handler(event, context or LambdaContext(remaining_ms=remaining_ms))
    return {**answer, "document": orjson.loads(answer["body"])}


def test_export_contains_the_users_data_of_every_store(stores, counted):
    fill_stores(stores)

    answer = export("ann.lee")

    document = answer["document"]
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/json")
    names = ["userId", "user", "profile", "sessions", "erasure", "interactions", "quarantine", "recommendations"]
    assert list(document) == names
    assert document["userId"] == "ann.lee"
    assert document["user"] == {"properties": {}, "updatedAtMs": 1}
    assert document["sessions"] == [{"sessionId": "s-ann.lee", "joinedAtMs": 1}]
    # The session's c0 precedes Ann's login. The export omits c1, which follows the login.
    assert [row["event_id"] for row in document["interactions"]] == ["c0", "a0", "a1", "a2"]
    assert [each["key"].rpartition("/")[2] for each in document["quarantine"]] == ["ann.json", "cut.json"]
    assert document["erasure"] is None
    assert b"bob.ray" not in answer["body"].encode()
    assert counted() == {"UsersExported": 1}


def test_export_of_an_unknown_user_is_empty(stores):
    fill_stores(stores)

    assert export("carl")["document"] == {"userId": "carl", **EMPTY}


def test_export_of_an_erased_user_contains_only_the_receipt(stores):
    fill_stores(stores)
    stores.erase("ann.lee")

    document = export("ann.lee")["document"]

    assert document["erasure"]["status"] == "complete"
    assert document == {"userId": "ann.lee", **EMPTY, "erasure": document["erasure"]}


def test_pseudonymised_data_is_found_by_the_plain_id(stores, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    stored = PSEUDONYMS.user("ann")
    stores.put_rows("mixed", interaction("a", user_id=stored), interaction("b", user_id="ann"))

    answer = export("ann")

    assert answer["document"]["userId"] == stored
    assert [row["event_id"] for row in answer["document"]["interactions"]] == ["a"]


@pytest.mark.parametrize("user", ["", " ", "u" * 257, "~!", "~_w"])
def test_invalid_user_id_is_refused(user, stores, logged, counted):
    answer = export(user)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (400, "InvalidInputException")
    assert answer["document"]["message"].startswith("userId ")
    assert counted() == {"RequestsRejected": 1}


def test_rows_beyond_the_response_limit_are_on_the_next_page(stores, monkeypatch):
    stores.put_user("ann")
    stores.put_rows("one", interaction("a", user_id="ann"))
    returned = orjson.dumps(export("ann")["body"])  # Lambda returns the body as a JSON string with escaped quotes.

    monkeypatch.setattr(service, "MAX_BYTES", len(returned) + service.END_BYTES)
    assert len(pages("ann")) == 1
    monkeypatch.setattr(service, "MAX_BYTES", len(returned) + service.END_BYTES - 200)
    found = pages("ann")

    assert [[row["event_id"] for row in page["interactions"]] for page in found] == [[], ["a"]]


def test_export_of_many_events_has_pages_below_the_lambda_limit(stores):
    quotes = '{"' + '\\"' * 400 + '": 1}'
    ids = [f"e{n:04}" for n in range(2_000)]
    for start in range(0, 2_000, 500):
        rows = [interaction(each, user_id="ann", properties=quotes) for each in ids[start : start + 500]]
        stores.put_rows(f"{start:04}", *rows)

    found = pages("ann")

    assert [row["event_id"] for page in found for row in page["interactions"]] == ids
    assert max(len(orjson.dumps(orjson.dumps(page).decode())) for page in found) < 6_291_556


def test_object_above_the_response_limit_returns_413_with_the_command(stores):
    quotes = '{"' + '\\"' * 400 + '": 1}'
    stores.put_rows("many", *(interaction(f"e{n:04}", user_id="ann", properties=quotes) for n in range(2_000)))

    answer = export("ann", token=export("ann")["document"]["nextToken"])

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (413, "ContentTooLargeException")
    assert "alsolike users export USER > file.json" in answer["document"]["message"]


def test_page_without_time_returns_503_to_repeat(stores):
    fill_stores(stores)
    token = export("ann.lee", remaining_ms=service.PAGE_MS)["document"]["nextToken"]

    first = export("ann.lee", remaining_ms=service.ANSWER_MS)
    later = export("ann.lee", token=token, remaining_ms=service.PAGE_MS)

    for answer in (first, later):
        assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
        assert "repeat the request" in answer["document"]["message"]
    assert len(export("ann.lee", token=token)["document"]["interactions"]) == 4


@pytest.mark.parametrize("remaining_ms", [29_000, 0])
def test_export_log_contains_no_user_id(remaining_ms, stores, logged):
    fill_stores(stores)
    stores.profiles.add(profile_id(user_id="ann.lee", session_id=None), (), now_ms=NOW_MS)

    export("ann.lee", remaining_ms=remaining_ms)

    assert "ann.lee" not in logged()


def test_exported_event_has_the_lake_columns_as_json(stores):
    row = interaction("a", user_id="ann", session_id=None, item_id=None, query="ripe \U0001f34c", impression=("x", "y"))
    stores.put_rows("one", row)

    (shown,) = export("ann")["document"]["interactions"]

    expected = {**dataclasses.asdict(row), "impression": ["x", "y"]}
    assert {name: shown[name] for name in expected} == expected


class RunningContext(LambdaContext):
    """Context of a call in which each check of the remaining time takes `step_ms`."""

    def __init__(self, step_ms):
        super().__init__()
        self._step_ms, self._left_ms = step_ms, 29_000

    def get_remaining_time_in_millis(self):
        self._left_ms -= self._step_ms
        return self._left_ms


def page(user, token=None, *, step_ms=1_000):
    answer = export(user, token=token, context=RunningContext(step_ms))
    assert answer["statusCode"] == 200, answer["body"]
    return answer["document"]


def pages(user, *, step_ms=0):
    found = [page(user, step_ms=step_ms)]
    while (token := found[-1].get("nextToken")) is not None:
        found.append(page(user, token, step_ms=step_ms))
    return found


def put_visits(stores, *, visits):
    """Write visits of Ann and Bob in turn: a view, a login, a view, a response and a bad record, each in an object.

    The last object is Bob's earlier login to Ann's last session. Return the IDs of the events and responses that Ann's
    export must contain.
    """
    events, responses = [], []
    for number in range(visits):
        user, session, time_ms = ("ann", "bob")[number % 2], f"visit-{number}", NOW_MS + 10 * number
        for step, login in enumerate((None, user, None)):
            at_ms = time_ms + step
            row = interaction(f"{number:03}-{step}", user_id=login, session_id=session, event_time_ms=at_ms)
            stores.put_rows(f"{step}-{number:03}", dataclasses.replace(row, received_time_ms=at_ms))
            if user == "ann" and step < 2 and number < visits - 2:
                events.append(row.event_id)
        shown = served(shopper=None, session=PSEUDONYMS.shopper(session), served_ms=time_ms)
        stores.put(f"served/served_date=2026-09-21/{number:06}.parquet", to_parquet([shown]))
        if user == "ann" and number < visits - 2:
            responses.append(shown.recommendation_id)
        stores.quarantine(f"{number:03}", b'{"user_id": "%s"}' % user.encode())
    last = visits - 2
    rival = interaction("rival", user_id="bob", session_id=f"visit-{last}", event_time_ms=NOW_MS + 10 * last)
    stores.put_rows("9-rival", dataclasses.replace(rival, received_time_ms=NOW_MS - 1))
    return [*events, f"{last:03}-1"], responses


@pytest.mark.parametrize("step_ms", [0, 10, 500, 1_000, 2_500])
def test_export_is_complete_for_any_page_boundary(step_ms, stores):
    """Another user's login on the last page affects the first pages, and each event is on one page."""
    events, responses = put_visits(stores, visits=12)

    found = pages("ann", step_ms=step_ms)

    assert [row["event_id"] for row in in_order(found, "interactions")] == events
    assert [row["recommendation_id"] for page in found for row in page["recommendations"]] == responses
    assert len([record for page in found for record in page["quarantine"]]) == 6
    assert (len(found) == 1) == (step_ms < 500)
    lists = ["userId", "interactions", "quarantine", "recommendations"]
    assert [list(page) for page in found[1:]] == [[*lists, "nextToken"]] * (len(found) - 2) + [lists] * (len(found) > 1)


def test_page_read_again_changes_no_later_page(stores):
    events, _ = put_visits(stores, visits=12)
    first = page("ann")
    found = [first]
    while (token := found[-1].get("nextToken")) is not None:
        found.append(page("ann", token))
        page("ann", first["nextToken"])

    assert [row["event_id"] for row in in_order(found, "interactions")] == events


def in_order(found, name):
    rows = [row for page in found for row in page[name]]
    return sorted(rows, key=lambda row: (row["event_time_ms"], row["event_id"]))


def pass_time(monkeypatch, *, seconds):
    data, ids = handler._data()
    later = dataclasses.replace(data, now_s=lambda: time.time() + seconds)
    monkeypatch.setattr(handler, "_data", lambda: (later, ids))


def test_export_token_ends_after_its_lifetime_or_the_users_erasure(stores, monkeypatch):
    fill_stores(stores)
    token = export("ann.lee", remaining_ms=service.PAGE_MS)["document"]["nextToken"]

    with monkeypatch.context() as patch:
        pass_time(patch, seconds=export_state.LIFETIME_S)
        expired = export("ann.lee", token=token)
    stores.erase("ann.lee")
    erased = export("ann.lee", token=token)

    for answer in (expired, erased):
        assert answer["statusCode"] == 400
        assert "45 minutes after its first page" in answer["document"]["message"]
        assert "start again without nextToken" in answer["document"]["message"]


def test_later_page_does_not_extend_the_export_lifetime(stores, monkeypatch):
    put_visits(stores, visits=12)
    first = page("ann")["nextToken"]
    with monkeypatch.context() as patch:
        pass_time(patch, seconds=export_state.LIFETIME_S - 600)
        second = page("ann", first)["nextToken"]

    pass_time(monkeypatch, seconds=export_state.LIFETIME_S)

    assert export("ann", token=second)["statusCode"] == 400
    assert (export_state.LIFETIME_S + MANIFEST.timeout_s) * 1_000 < MergeRules().grace_ms


@pytest.mark.parametrize("later_s", [export_state.LIFETIME_S - 600, 7_200])
def test_export_during_compaction_is_complete_or_refused(later_s, stores, monkeypatch):
    """The merged object sorts before its inputs.

    So pages that are already past the merged object require the inputs.
    """
    rules = dataclasses.replace(MergeRules(), quiet_ms=0)
    ids = [f"{number:03}" for number in range(40)]
    for each in ids:
        stores.put_rows(f"import-{each}", interaction(each, user_id="ann", session_id=None))
    found = [page("ann", step_ms=400)]
    while not found[-1]["interactions"]:
        found.append(page("ann", found[-1]["nextToken"], step_ms=400))
    keep_up(stores.s3, PLACES.lake_bucket, rules=rules)
    keep_up(stores.s3, PLACES.lake_bucket, rules=rules, later_ms=later_s * 1_000)
    inputs = [key for key in stores.keys("interactions/") if "/import-" in key]
    assert len(inputs) == (0 if later_s > 3_600 else 40)

    pass_time(monkeypatch, seconds=later_s)
    answer = export("ann", token=found[-1]["nextToken"])

    if answer["statusCode"] == 200:
        assert [row["event_id"] for row in in_order([*found, answer["document"]], "interactions")] == ids
    else:
        assert (answer["statusCode"], later_s) == (400, 7_200)


def test_erasure_of_another_user_removes_the_id_from_export_state(stores):
    put_visits(stores, visits=12)
    token = page("ann")["nextToken"]
    while (last := token) is not None:
        token = page("ann", last).get("nextToken")

    stores.erase("bob")

    (state,) = [item for item in stores.dynamodb.scan(TableName=PLACES.profiles_table)["Items"] if "sessions" in item]
    sessions = zlib.decompress(bytes(state["sessions"]["B"]))
    assert b"visit-10" in sessions
    assert b"bob" not in sessions


def test_export_after_erasure_stores_no_user_id(stores):
    fill_stores(stores)
    stores.erase("ann.lee")

    answer = export("ann.lee", remaining_ms=service.PAGE_MS)

    assert "nextToken" in answer["document"]
    assert stores.holding("ann.lee") == []


def test_export_state_is_not_a_profile_and_not_readable_by_others(stores):
    fill_stores(stores)
    token = export("ann.lee", remaining_ms=service.PAGE_MS)["document"]["nextToken"]

    assert export("bob.ray", token=token)["statusCode"] == 400
    assert len(list(stores.profiles.scan())) == len({each.profile_id for each in stores.profiles.scan()})
    assert export("ann.lee")["document"]["profile"]["erased"] is False


def test_more_sessions_than_the_state_limit_return_413_with_the_command(stores, monkeypatch):
    stores.put_rows("own", *(interaction(f"e{n}", user_id="ann", session_id=f"s{n}") for n in range(50)))
    monkeypatch.setattr(export_state, "MAX_STATE_BYTES", 100)
    monkeypatch.setattr(service, "MAX_BYTES", 6_000)

    answer = export("ann")

    assert answer["statusCode"] == 413
    assert "alsolike users export" in answer["document"]["message"]


@pytest.mark.parametrize("token", ["", "?", "c2t1Lzc=", token_of_row("x interaction s/")])
def test_invalid_export_token_is_refused(token, stores):
    answer = export("ann", token=token)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (400, "InvalidInputException")
    assert answer["document"]["message"].startswith("nextToken ")

"""The export of a user's data by the shop's own id; too large an export names the command that exports it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from alsolike.contract.queries import token_of_row
from alsolike.events.interactions import profile_id
from functions.archive_served.service import to_parquet
from functions.export_user import handler, service
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event, interaction
from tests.builders.served_rows import served
from tests.builders.stores import PLACES, PSEUDONYMS, Stores, people

ENVIRONMENT = {
    "LAKE_BUCKET": PLACES.lake_bucket,
    "ARTEFACT_BUCKET": PLACES.artefact_bucket,
    "PROFILES_TABLE": PLACES.profiles_table,
    "USERS_TABLE": PLACES.users_table,
    "SECRET_ARN": "key-of-people",
}


@pytest.fixture
def stores(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Return a deployment whose secret gives the hashes of `PSEUDONYMS`."""
    aws("secretsmanager").create_secret(Name="key-of-people", SecretString="k" * 32)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return Stores.create(aws)


def export(user: str, *, remaining_ms: int = 29_000, token: str | None = None, context: Any = None) -> dict[str, Any]:
    query = {} if token is None else {"nextToken": token}
    event = http_event("GET /users/{userId}/data", path={"userId": user}, query=query)
    answer = handler.lambda_handler(event, context or LambdaContext(remaining_ms=remaining_ms))
    return {**answer, "document": orjson.loads(answer["body"])}


def test_every_store_shows_what_it_holds_of_the_user(stores: Stores, counted: Callable[[], dict[str, float]]) -> None:
    people(stores)

    answer = export("ann.lee")

    document = answer["document"]
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/json")
    assert list(document) == [
        "userId",
        "user",
        "profile",
        "sessions",
        "interactions",
        "quarantine",
        "erasure",
        "recommendations",
    ]
    assert document["userId"] == "ann.lee"
    assert document["user"] == {"properties": {}, "updatedAtMs": 1}
    assert document["sessions"] == [{"sessionId": "s-ann.lee", "joinedAtMs": 1}]
    # c0 was before the login in the session, c1 after it
    assert [row["event_id"] for row in document["interactions"]] == ["c0", "a0", "a1", "a2"]
    assert [each["key"].rpartition("/")[2] for each in document["quarantine"]] == ["ann.json", "cut.json"]
    assert document["erasure"] is None
    assert b"bob.ray" not in answer["body"].encode()
    assert counted() == {"UsersExported": 1}


def test_of_an_unknown_user_nothing_is_held(stores: Stores) -> None:
    people(stores)

    assert export("carl")["document"] == {
        "userId": "carl",
        "user": None,
        "profile": None,
        "sessions": [],
        "interactions": [],
        "recommendations": [],
        "quarantine": [],
        "erasure": None,
    }


def test_of_an_erased_user_the_receipt_is_what_is_held(stores: Stores) -> None:
    people(stores)
    stores.finish(stores.ask("ann.lee"))

    document = export("ann.lee")["document"]

    assert document.pop("erasure")["status"] == "complete"
    assert document == {
        "userId": "ann.lee",
        "user": None,
        "profile": None,
        "sessions": [],
        "interactions": [],
        "recommendations": [],
        "quarantine": [],
    }


def test_pseudonymised_data_is_found_by_the_id_that_the_shop_sends(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    stored = PSEUDONYMS.user("ann")
    stores.put_rows("mixed", interaction("a", user_id=stored), interaction("b", user_id="ann"))

    answer = export("ann")

    assert answer["document"]["userId"] == stored
    assert [row["event_id"] for row in answer["document"]["interactions"]] == ["a"]


@pytest.mark.parametrize("user", ["", " ", "u" * 257, "~!", "~_w"])
def test_what_is_no_id_is_refused(
    user: str, stores: Stores, logged: Callable[[], str], counted: Callable[[], dict[str, float]]
) -> None:
    answer = export(user)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (400, "InvalidInputException")
    assert answer["document"]["message"].startswith("userId ")
    assert counted() == {"RequestsRejected": 1}


def test_any_id_may_be_written_in_base64url(stores: Stores) -> None:
    stores.put_user("sku/7")

    document = export("~c2t1Lzc")["document"]

    assert (document["userId"], document["user"]) == ("sku/7", {"properties": {}, "updatedAtMs": 1})


def test_what_lambda_would_not_return_is_refused_with_another_way(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.put_user("ann")
    returned = orjson.dumps(export("ann")["body"])  # as Lambda returns it: a string, its quotes escaped

    monkeypatch.setattr(service, "MAX_BYTES", len(returned) - 2)
    assert export("ann")["statusCode"] == 200
    monkeypatch.setattr(service, "MAX_BYTES", len(returned) - 3)
    answer = export("ann")

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (413, "ContentTooLargeException")
    assert "alsolike users export USER > file.json" in answer["document"]["message"]


def test_a_document_of_many_events_fits_into_what_lambda_returns(stores: Stores) -> None:
    quotes = '{"' + '\\"' * 400 + '": 1}'
    rows = [interaction(f"e{n:04}", user_id="ann", properties=quotes) for n in range(2_000)]
    stores.put_rows("many", *rows)

    answer = export("ann")

    assert (answer["statusCode"], len(orjson.dumps(answer)) < 6_291_556) == (413, True)


def test_a_search_that_outlasts_the_call_is_refused_with_another_way(stores: Stores) -> None:
    people(stores)

    answer = export("ann.lee", remaining_ms=service.ANSWER_MS)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
    assert "alsolike users export USER > file.json" in answer["document"]["message"]


def test_a_store_that_does_not_answer_is_said_to_be_unavailable(stores: Stores) -> None:
    stores.dynamodb.delete_table(TableName=PLACES.users_table)

    assert export("ann")["statusCode"] == 503


@pytest.mark.parametrize("remaining_ms", [29_000, 0])
def test_the_log_names_nobody(remaining_ms: int, stores: Stores, logged: Callable[[], str]) -> None:
    people(stores)
    stores.profiles.add(profile_id(user_id="ann.lee", session_id=None), (), now_ms=NOW_MS)

    export("ann.lee", remaining_ms=remaining_ms)

    assert "ann.lee" not in logged()


def test_each_event_has_the_columns_of_the_lake_as_json(stores: Stores) -> None:
    row = interaction("a", user_id="ann", session_id=None, item_id=None, query="ripe \U0001f34c", impression=("x", "y"))
    stores.put_rows("one", row)

    (shown,) = export("ann")["document"]["interactions"]

    expected = {**dataclasses.asdict(row), "impression": ["x", "y"]}
    assert {name: shown[name] for name in expected} == expected


class RunningContext(LambdaContext):
    """The context of a call in which each look at the clock takes some time."""

    def __init__(self, step_ms: int) -> None:
        super().__init__()
        self._step_ms, self._left_ms = step_ms, 29_000

    def get_remaining_time_in_millis(self) -> int:
        self._left_ms -= self._step_ms
        return self._left_ms


def pages(user: str, *, step_ms: int = 0) -> list[dict[str, Any]]:
    """Return the documents of all pages."""
    found: list[dict[str, Any]] = []
    token: str | None = None
    while not found or token is not None:
        answer = export(user, token=token, context=RunningContext(step_ms))
        assert answer["statusCode"] == 200, answer["body"]
        found.append(answer["document"])
        token = answer["document"].get("nextToken")
    return found


def write_log(stores: Stores, *, objects: int, of_user: int) -> list[str]:
    """Write a recommendation log of one response per object; return the IDs of the user's responses."""
    ids = []
    of_others = to_parquet([served(shopper=PSEUDONYMS.shopper("bob"))])
    for number in range(objects):
        body = of_others
        if number % (objects // of_user) == 0:
            row = served(shopper=PSEUDONYMS.shopper("ann"), served_ms=NOW_MS + number)
            body = to_parquet([row])
            ids.append(row.recommendation_id)
        stores.put(f"served/served_date=2026-09-21/{number:06}.parquet", body)
    return ids


def test_thousands_of_log_objects_are_exported_in_pages(stores: Stores) -> None:
    """One call reads about 4,600 objects; here 500 objects take as long."""
    stores.put_rows("own", interaction("a", user_id="ann"))
    ids = write_log(stores, objects=2_000, of_user=20)

    found = pages("ann", step_ms=25)

    assert len(found) == 5
    assert [row["recommendation_id"] for page in found for row in page["recommendations"]] == ids
    assert [row["event_id"] for row in found[0]["interactions"]] == ["a"]
    assert {frozenset(page) for page in found[1:-1]} == {frozenset({"userId", "recommendations", "nextToken"})}
    assert list(found[-1]) == ["userId", "recommendations"]


def test_a_log_of_more_bytes_than_a_response_is_exported_in_pages(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = write_log(stores, objects=30, of_user=30)
    monkeypatch.setattr(service, "MAX_BYTES", 6_000)

    found = pages("ann")

    assert len(found) > 2
    assert [row["recommendation_id"] for page in found for row in page["recommendations"]] == ids


def test_responses_to_a_session_before_its_login_are_on_later_pages(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.put_rows("login", interaction("a", user_id="ann", session_id="visit", received_time_ms=NOW_MS))
    rows = [served(shopper=None, session=PSEUDONYMS.shopper("visit"), served_ms=NOW_MS - 20 + n) for n in range(40)]
    for number, row in enumerate(rows):
        stores.put(f"served/served_date=2026-09-21/{number:06}.parquet", to_parquet([row]))
    monkeypatch.setattr(service, "MAX_BYTES", 6_000)

    found = pages("ann")

    assert len(found) > 2
    shown = [row["recommendation_id"] for page in found for row in page["recommendations"]]
    assert shown == [row.recommendation_id for row in rows[:21]]


def test_a_later_page_without_time_for_the_log_is_refused_with_another_way(stores: Stores) -> None:
    write_log(stores, objects=3, of_user=3)
    token = token_of_row("served/")

    answer = export("ann", token=token, remaining_ms=service.PAGE_MS)

    assert answer["statusCode"] == 503
    assert "alsolike users export USER > file.json" in answer["document"]["message"]


@pytest.mark.parametrize("token", ["", "?", "c2t1Lzc=", token_of_row("interactions/")])
def test_a_token_of_another_list_is_refused(token: str, stores: Stores) -> None:
    answer = export("ann", token=token)

    assert (answer["statusCode"], answer["headers"]["x-amzn-errortype"]) == (400, "InvalidInputException")
    assert answer["document"]["message"].startswith("nextToken ")

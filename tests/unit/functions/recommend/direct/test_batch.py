"""Batches of users in direct invocations."""

import orjson
import pytest

from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from functions.recommend.dependencies import current_dependencies
from functions.recommend.direct import batch
from tests.builders.lambda_events import LambdaContext
from tests.unit.functions.recommend.shop import invoke


def batch_of(users=("anna",), *, context=None, **fields):
    return invoke(context, batch={"users": users, **fields})


def items(result):
    return [item["itemId"] for item in result["itemList"]]


@pytest.fixture
def known(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.remember("s#visit", "pear")
    return shop


def test_batch_results_equal_single_responses_in_order(known):
    users = ("anna", "visit", "stranger", "anna")

    answer = batch_of(users, numResults=3)

    assert (answer["answered"], answer["notDone"]) == (4, 0)
    assert [result["userId"] for result in answer["results"]] == list(users)
    for user, result in zip(users, answer["results"], strict=True):
        single, headers = known.listed(userId=user, numResults=3)
        assert items(result) == single
        assert result["source"] == headers["x-alsolike-source"]
        assert result["modelVersion"] == headers["x-alsolike-model-version"] == "v1"
        assert result.get("filled", 0) == int(headers.get("x-alsolike-filled", 0))
    assert items(answer["results"][0])[:2] == ["fig", "plum"]
    assert [result["source"] for result in answer["results"]] == ["model", "model", "popular", "model"]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("", 'userId is "", expected a non-empty string'),
        (None, "userId is missing, expected a non-empty string"),
        ("anna\ud800", r"userId is 'anna\ud800', expected no half of a surrogate pair"),
    ],
)
def test_invalid_user_is_refused_individually(known, bad, error):
    answer = batch_of(["anna", bad, "anna"], numResults=1)

    assert [result.get("error") for result in answer["results"]] == [None, error, None]
    assert items(answer["results"][2]) == ["fig"]


def test_each_profile_is_read_once(known, cloud):
    for number in range(150):
        known.remember(f"u#{number}", "pear")
    batch_of()
    cloud.calls.clear()

    answer = batch_of(tuple(str(number) for number in range(150)), numResults=1)

    assert [items(result) for result in answer["results"]] == [["fig"]] * 150
    reads = [call.operation for call in cloud.calls if call.operation.startswith("dynamodb.")]
    assert reads == ["dynamodb.Query"] * 150


def test_filter_is_applied_per_user(known):
    known.remember("u#bert", "pear")
    known.remember("u#bert", "fig", "purchase")
    known.configure(
        filters={"new": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase") | '
                        "EXCLUDE ItemID WHERE Items.TITLE IN ($TITLE)"}
    )  # fmt: skip

    answer = batch_of(("anna", "bert"), filter="new", filterValues={"TITLE": '"Kiwi"'}, numResults=2)

    assert items(answer["results"][0])[0] == "fig"
    assert "fig" not in items(answer["results"][1])


def test_buy_again_is_available_in_batches(known):
    known.remember("u#anna", "fig", "purchase")

    answer = batch_of(("anna", "stranger"), recommender="buy-again")

    assert [items(result) for result in answer["results"]] == [["fig"], []]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"users": "anna"}, 'batch.users is "anna", expected a list'),
        ({"users": ["a"] * 1_001}, "batch.users has 1001 elements, expected 1 to 1000"),
        ({"users": None}, "batch.users is missing, expected a list"),
        ({"recommender": "similar-items"}, 'batch.recommender is "similar-items", expected one of for-you, '),
        ({"first": 1}, "batch.first is 1, expected less than the number of users, 1"),
        ({"input": {"key": "batch/1/users/0.json"}}, "batch.users and batch.input are both given"),
        ({"output": {"key": "models/v1/manifest.json"}}, 'batch.output.key is "models/v1/manifest.json", expected a'),
        ({"filterValues": {"A": "1"}}, "filterValues is given without a filter, and for-you has none"),
    ],
)
def test_invalid_batch_field_fails_the_batch(known, fields, error):
    with pytest.raises(InvalidInput) as raised:
        batch_of(**fields)

    assert str(raised.value).startswith(error)


def test_unknown_filter_fails_the_batch(known):
    with pytest.raises(NotFound, match="filter is 'sale', expected none: the configuration has no filters"):
        batch_of(filter="sale")


class LittleTime(LambdaContext):
    """Context that returns the given remaining times in order, and then repeats the last one."""

    def __init__(self, *left_ms):
        object.__setattr__(self, "left_ms", list(left_ms))

    def get_remaining_time_in_millis(self):
        left_ms: list[int] = self.left_ms  # type: ignore[attr-defined]
        return left_ms.pop(0) if len(left_ms) > 1 else left_ms[0]


def test_users_not_done_in_time_are_reported_and_can_be_sent_again(known, counted):
    users = ["anna", 7, "stranger", "anna"]
    batch_of()  # The first call reads the configuration, the catalogue and the model.
    counted()

    # The remaining time is checked before the configuration and the catalogue, and after each user.
    first = batch_of(users, context=LittleTime(20_000, 20_000, 20_000, 2_999))
    counts = counted()
    rest = batch_of(users, first=first["answered"])

    assert (first["answered"], first["notDone"]) == (2, 2)
    assert [result.get("userId") for result in first["results"]] == ["anna", None]
    assert (rest["answered"], rest["notDone"]) == (2, 0)
    assert [result["userId"] for result in rest["results"]] == ["stranger", "anna"]
    assert (counts["BatchUsersAnswered"], counts["BatchUsersRefused"], counts["BatchUsersNotDone"]) == (1, 1, 2)


def test_response_is_truncated_at_the_lambda_size_limit(known, monkeypatch):
    whole = batch_of(("anna",) * 20)
    one = len(orjson.dumps(whole["results"][0]))
    monkeypatch.setattr(batch, "MAX_ANSWER_BYTES", 5 * one)

    answer = batch_of(("anna",) * 20)

    assert (answer["answered"], answer["notDone"]) == (5, 15)
    assert batch_of(("anna",) * 20, output={"key": "batch/1/answers/0.jsonl"}) == {"answered": 20, "notDone": 0}


def test_unreadable_profile_ends_the_batch_or_fails_it_without_results(known, monkeypatch):
    batch_of()
    profiles = current_dependencies().batches().profiles
    reads = profiles.read_many

    def read(profile_ids, **options):
        wanted = list(profile_ids)
        if "u#lost" in wanted:
            raise Unavailable("profile table profiles: not now")
        return reads(wanted, **options)

    monkeypatch.setattr(profiles, "read_many", read)

    assert batch_of(("anna",) * 100 + ("lost",))["notDone"] == 1
    with pytest.raises(Unavailable, match="not now"):
        batch_of(("lost", "anna"))


def test_users_and_results_can_be_objects_in_the_artefact_bucket(known):
    users = ["anna", "", "stranger"]
    known.put("batch/r/users/0.json", orjson.dumps(users))
    given = {"input": {"key": "batch/r/users/0.json"}, "output": {"key": "batch/r/answers/0.jsonl"}, "first": 1}

    answer = invoke(batch=given)

    assert answer == {"answered": 2, "notDone": 0}
    stored = known.s3.get_object(Bucket=known.bucket, Key="batch/r/answers/0.jsonl")["Body"].read()
    assert [orjson.loads(line) for line in stored.splitlines()] == batch_of(users, first=1)["results"]


def test_missing_or_invalid_input_object_is_refused(known):
    known.put("batch/r/users/1.json", b"anna\n")
    for key in ("batch/r/users/0.json", "batch/r/users/1.json"):
        with pytest.raises(InvalidInput, match=f'batch.input.key is "{key}", expected an object'):
            invoke(batch={"input": {"key": key}})

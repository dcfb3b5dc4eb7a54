import json

import pytest

from alsolike.runtime.errors import InvalidInput
from functions.write_recommendations import handler
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import table_of
from tests.fakes.places import objects

EVENT = {"run": "r", "batch": "000007", "recommender": "buy-again"}
PART = "recommendations/part-000007.parquet"
USERS = ["anna", "", "bert", "carl"]


def answer(user, *items, **more):
    scored = [{"itemId": item, "score": 1 / rank} for rank, item in enumerate(items, start=1)]
    return {"userId": user, "itemList": scored, "source": "model", "modelVersion": "v1", **more}


ANSWERS = [
    answer("anna", "fig", "plum", filled=1),
    {"error": "userId is empty"},
    answer("bert"),
    answer("carl", "pear"),
]


class Run:
    def __init__(self, s3, bucket):
        self.s3, self.bucket = s3, bucket

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=f"batch/r/{key}", Body=body)

    def answers(self, first, results):
        self.put(f"answers/000007/{first}.jsonl", b"".join(json.dumps(each).encode() + b"\n" for each in results))

    def held(self):
        found = objects(self.s3, self.bucket)
        return {key.removeprefix("batch/r/"): content for key, content in found.items()}

    def part(self):
        return table_of(self.held()[PART])

    def write(self):
        return handler.lambda_handler(EVENT, LambdaContext())


@pytest.fixture
def run(aws, artefact_bucket):
    run = Run(aws("s3"), artefact_bucket)
    run.put("users/000007.json", json.dumps(USERS).encode())
    return run


def test_results_become_parquet_rows_and_are_deleted(run):
    run.answers(0, ANSWERS)

    assert run.write() == {"users": 3, "items": 3, "failed": 1}

    common = {"model_version": "v1", "recommender": "buy-again"}
    assert run.part().to_pylist() == [
        {"user_id": "anna", "rank": 1, "item_id": "fig", "score": 1.0, "source": "model", **common},
        {"user_id": "anna", "rank": 2, "item_id": "plum", "score": 0.5, "source": "popular", **common},
        {"user_id": "carl", "rank": 1, "item_id": "pear", "score": 1.0, "source": "model", **common},
    ]
    assert json.loads(run.held()["failed/000007.jsonl"]) == {"user_id": "", "reason": "userId is empty"}
    assert list(run.held()) == ["failed/000007.jsonl", PART, "users/000007.json"]


def test_results_of_several_calls_are_in_the_order_of_users(run):
    users = [f"u{number}" for number in range(12)]
    run.put("users/000007.json", json.dumps(users).encode())
    for first, last in ((0, 2), (2, 10), (10, 12)):  # In alphabetical order, 10 would come before 2.
        run.answers(first, [answer(user, "fig") for user in users[first:last]])

    run.write()

    assert run.part()["user_id"].to_pylist() == users


@pytest.mark.parametrize("left", [4, 2], ids=["complete", "interrupted deletion"])
def test_repeated_call_returns_the_same_and_deletes_the_rest(run, left):
    run.answers(0, ANSWERS)
    first, held = run.write(), run.held()
    if ANSWERS[left:]:
        run.answers(left, ANSWERS[left:])

    assert run.write() == first

    assert run.held() == held


def test_part_and_failed_users_of_an_earlier_attempt_are_replaced(run):
    run.answers(0, [*ANSWERS[:3], answer("carl", "old")])
    run.write()
    run.answers(0, [answer(user, "fig") for user in USERS])

    run.write()

    assert run.part()["user_id"].to_pylist() == USERS
    assert list(run.held()) == [PART, "users/000007.json"]


@pytest.mark.parametrize("given", [0, 3])
def test_batch_with_missing_results_is_not_written(run, given):
    if given:
        run.answers(0, ANSWERS[:given])

    with pytest.raises(InvalidInput, match=f"batch 000007 of run r has {given} results, expected 4"):
        run.write()

    assert PART not in run.held()


def test_batch_without_items_is_an_empty_part(run):
    run.answers(0, [{"error": "no"}] * 4)

    assert run.write() == {"users": 0, "items": 0, "failed": 4}

    assert run.part().num_rows == 0

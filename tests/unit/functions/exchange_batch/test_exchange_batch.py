"""Input and output lines of batch inference jobs."""

import json

import pyarrow as pa
import pytest

from alsolike.runtime.errors import InvalidInput
from functions.exchange_batch import handler
from functions.exchange_batch.service import USERS_OF_A_BATCH
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import parquet_of
from tests.fakes.places import objects

SOURCE, OUTPUT = "s3://uploads/in/users.json", "s3://uploads/out/"


def run(**event):
    return handler.lambda_handler(
        {"run": "r1", "recommender": "for-you", "numResults": 25, "source": SOURCE, **event}, LambdaContext()
    )["users"]


def put_users(s3, *users):
    body = "\n".join(json.dumps({"userId": user}) for user in users)
    s3.put_object(Bucket="uploads", Key="in/users.json", Body=body.encode())


def test_users_are_stored_in_batches(s3, artefact_bucket):
    users = [str(number) for number in range(USERS_OF_A_BATCH + 1)]
    put_users(s3, *users)

    assert run() == len(users)
    stored = objects(s3, artefact_bucket)
    assert list(stored) == ["batch/r1/users/000000.json", "batch/r1/users/000001.json"]
    assert json.loads(stored["batch/r1/users/000001.json"]) == users[-1:]


def test_step_of_an_earlier_workflow_reads_users(s3):
    put_users(s3, "ann")

    assert handler.lambda_handler({"run": "r1", "source": SOURCE}, LambdaContext()) == {"users": 1}


@pytest.mark.parametrize("body", [b"", b'{"userId": "1"}\n{"user": "2"}\n', b"1\n"])
def test_file_without_user_ids_is_refused(s3, body):
    s3.put_object(Bucket="uploads", Key="in/users.json", Body=body)

    with pytest.raises(InvalidInput, match=r"users\.json"):
        run()


def test_missing_file_error_names_the_file(s3):
    with pytest.raises(InvalidInput, match=r"s3://uploads/in/users\.json does not exist"):
        run()


def test_output_lines_have_the_format_of_personalize(s3, artefact_bucket):
    put_users(s3, "ann", "bob", "x")
    run()
    part = parquet_of(pa.table({"user_id": ["ann", "ann"], "item_id": ["a", "b"], "score": [0.5, 0.25]}))
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/recommendations/part-000000.parquet", Body=part)
    failed = json.dumps({"user_id": "x", "reason": "userId has 257 characters"})
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/failed/000000.jsonl", Body=failed.encode())

    assert run(output=OUTPUT) == 3

    lines = s3.get_object(Bucket="uploads", Key="out/users.json.out")["Body"].read().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"input": {"userId": "ann"}, "output": {"recommendedItems": ["a", "b"], "scores": [0.5, 0.25]}, "error": None},
        {"input": {"userId": "bob"}, "output": {"recommendedItems": [], "scores": []}, "error": None},
        {"input": {"userId": "x"}, "output": None, "error": "userId has 257 characters"},
    ]

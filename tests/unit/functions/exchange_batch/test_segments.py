"""Batch inference and segment jobs: input, users, and output lines."""

import json

import pyarrow as pa
import pytest

from alsolike.configuration_document.client_resources import OwnNames
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.privacy.tombstones import add_tombstone
from alsolike.runtime.errors import InvalidInput, NotFound
from functions.exchange_batch import handler, segments
from functions.exchange_batch.service import USERS_OF_A_BATCH
from tests.builders.bundles import MANIFEST
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import parquet_of
from tests.fakes.places import objects

SOURCE, USERS, OUTPUT = "s3://uploads/in/items.json", "s3://uploads/in/users.json", "s3://uploads/out/"


def run(size=2, **event):
    given = {"run": "r1", "recommender": "segments", "numResults": size, "source": SOURCE, **event}
    return handler.lambda_handler(given, LambdaContext())["users"]


def put_lines(s3, *lines):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    s3.put_object(Bucket="uploads", Key="in/items.json", Body=body.encode())


def put_part(s3, bucket, number, rows):
    columns = dict(zip(("user_id", "item_id", "score"), map(list, zip(*rows, strict=True)), strict=True))
    key = f"batch/r1/recommendations/part-{number:06d}.parquet"
    s3.put_object(Bucket=bucket, Key=key, Body=parquet_of(pa.table(columns)))
    s3.put_object(Bucket=bucket, Key=f"batch/r1/users/{number:06d}.json", Body=b"[]")


def segments_of(s3):
    lines = s3.get_object(Bucket="uploads", Key="out/items.json.out")["Body"].read().splitlines()
    return [json.loads(line)["output"]["recommendedUsers"] for line in lines]


@pytest.fixture
def champion(world):
    """Return a function that publishes a champion whose dataset has interactions of these profiles."""

    def publish(*profiles):
        world.serve()
        if profiles:
            table = pa.table({"profile_id": list(profiles)})
            world.put(f"datasets/{MANIFEST.dataset_id}/interactions.parquet", parquet_of(table))

    return publish


def stored_users(s3, bucket):
    return [json.loads(body) for body in objects(s3, bucket, "batch/r1/users/").values()]


def test_users_of_the_dataset_are_stored_once_without_sessions(s3, artefact_bucket, champion, monkeypatch):
    monkeypatch.setattr(segments, "_ROWS_AT_ONCE", 2)
    champion("u#ann", "s#visit", "u#bob", "u#ann", "u#cy", "u#bob")
    put_lines(s3, {"itemId": "fig"})

    assert run() == 3
    assert stored_users(s3, artefact_bucket) == [["ann", "bob", "cy"]]
    lines = s3.get_object(Bucket=artefact_bucket, Key="batch/r1/segments.json")["Body"].read()
    assert json.loads(lines) == [{"itemId": "fig"}]


def test_users_of_the_caller_replace_those_of_the_dataset(s3, artefact_bucket):
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/users/000000.json", Body=b'["ann", "bob"]')
    put_lines(s3, {"itemId": "fig"})

    assert run() == 2
    assert stored_users(s3, artefact_bucket) == [["ann", "bob"]]


@pytest.mark.parametrize(
    ("lines", "size", "problem"),
    [
        ((), 2, "has no segments, expected a line of JSON per segment"),
        (("{",), 2, "items.json, line 1 is not JSON"),
        (({"itemId": "a"}, {"userId": "b"}), 2, "items.json, line 2.userId"),
        (({"itemId": "a"},) * 501, 2, "has more than 500 lines"),
        (({"itemId": "a"},) * 3, 1_000_000, "has 3 segments of numResults 1,000,000, expected 1 to 2,000,000 users"),
        (({"itemId": "a"},), 0, "has 1 segments of numResults 0, expected 1 to"),
    ],
)
def test_invalid_input_is_refused_with_the_place(s3, lines, size, problem):
    put_lines(s3, *lines)

    with pytest.raises(InvalidInput) as refused:
        run(size)

    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("line", "error", "problem"),
    [
        ({"filter": "fgs"}, NotFound, "items.json, line 2.filter is 'fgs', expected .*; did you mean figs?"),
        ({"filter": "rare"}, NotFound, "line 2.filter is 'rare', .*; list them with `alsolike filters list`"),
        ({"itemAttributes": "Items.SIZE > 3"}, InvalidInput, "items.json, line 2: Items.SIZE is not declared"),
    ],
)
def test_unknown_names_are_refused_before_users_are_stored(s3, artefact_bucket, champion, line, error, problem):
    champion("u#ann")
    own_names = OwnNames({}, {"figs": 'INCLUDE ItemID WHERE Items.ITEM_ID IN ("fig")'})
    s3.put_object(Bucket=artefact_bucket, Key=OWN_NAMES_KEY, Body=own_names.to_json())
    put_lines(s3, {"filter": "figs"}, line)

    with pytest.raises(error, match=problem):
        run()

    assert objects(s3, artefact_bucket, "batch/") == {}


def test_job_without_champion_or_dataset_is_refused(s3, champion):
    put_lines(s3, {"itemId": "fig"})
    with pytest.raises(InvalidInput, match="there is no model yet"):
        run()

    champion()
    with pytest.raises(InvalidInput, match=r"the dataset .* was deleted, expected an existing dataset"):
        run()


def test_pseudonymised_deployment_needs_users(s3, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    put_lines(s3, {"itemId": "fig"})

    with pytest.raises(InvalidInput, match="alsolike segments --users FILE"):
        run()


def test_segments_contain_the_best_users_of_all_batches(s3, artefact_bucket, configure):
    configure({"items": {"columns": {"tag": "string"}}, "filters": {"rare": 'EXCLUDE ItemID WHERE Items.TAG = "y"'}})
    put_lines(s3, {"itemId": "fig"}, {"itemAttributes": 'Items.TAG = "x"'}, {"filter": "rare"})
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/users/000000.json", Body=b'["ann"]')
    run()
    put_part(s3, artefact_bucket, 0, [("ann", "0", 0.1), ("ann", "1", 0.7), ("bob", "0", 0.5)])
    put_part(s3, artefact_bucket, 1, [("cy", "0", 0.3), ("dan", "0", 0.5), ("bob", "0", 0.5)])

    assert run(output=OUTPUT) == 3

    assert segments_of(s3) == [["bob", "dan"], ["ann"], []]


def test_segments_of_many_batches_equal_a_complete_sort(s3, artefact_bucket, monkeypatch):
    monkeypatch.setattr(segments, "_SPARE_ROWS", 0)
    put_lines(s3, {"itemId": "fig"})
    rows = [(f"u{number:03d}", "0", float(number * 37 % 101)) for number in range(100)]
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/users/000000.json", Body=b'["u"]')
    run()
    for number in range(10):
        put_part(s3, artefact_bucket, number, rows[number * 10 : number * 10 + 10])

    run(7, output=OUTPUT)

    best = sorted(rows, key=lambda row: -row[2])[:7]
    assert segments_of(s3) == [[user for user, _, _ in best]]


@pytest.mark.parametrize("pseudonymise", ["0", "1"])
def test_user_erased_during_the_job_is_in_no_segment(s3, artefact_bucket, pseudonyms, pseudonymise, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", pseudonymise)
    put_lines(s3, {"itemId": "fig"})
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/users/000000.json", Body=b'["ann"]')
    run()
    put_part(s3, artefact_bucket, 0, [("ann", "0", 0.9), ("bob", "0", 0.5)])
    stored = pseudonyms.user("ann") if pseudonymise == "1" else "ann"
    add_tombstone(s3, artefact_bucket, pseudonyms.erased_user(stored), now_ms=1)

    run(output=OUTPUT)

    assert segments_of(s3) == [["bob"]]


def recommend(**event):
    return run(25, recommender="for-you", source=USERS, **event)


def put_users(s3, *users):
    body = "\n".join(json.dumps({"userId": user}) for user in users)
    s3.put_object(Bucket="uploads", Key="in/users.json", Body=body.encode())


def test_users_are_stored_in_batches(s3, artefact_bucket):
    users = [str(number) for number in range(USERS_OF_A_BATCH + 1)]
    put_users(s3, *users)

    assert recommend() == len(users)
    stored = objects(s3, artefact_bucket)
    assert list(stored) == ["batch/r1/users/000000.json", "batch/r1/users/000001.json"]
    assert json.loads(stored["batch/r1/users/000001.json"]) == users[-1:]


def test_step_of_an_earlier_workflow_reads_users(s3):
    put_users(s3, "ann")

    assert handler.lambda_handler({"run": "r1", "source": USERS}, LambdaContext()) == {"users": 1}


@pytest.mark.parametrize("body", [b"", b'{"userId": "1"}\n{"user": "2"}\n', b"1\n"])
def test_file_without_user_ids_is_refused(s3, body):
    s3.put_object(Bucket="uploads", Key="in/users.json", Body=body)

    with pytest.raises(InvalidInput, match=r"users\.json"):
        recommend()


def test_missing_file_error_names_the_file(s3):
    with pytest.raises(InvalidInput, match=r"s3://uploads/in/users\.json does not exist"):
        recommend()


def test_output_lines_have_the_format_of_personalize(s3, artefact_bucket):
    put_users(s3, "ann", "bob", "x")
    recommend()
    part = parquet_of(pa.table({"user_id": ["ann", "ann"], "item_id": ["a", "b"], "score": [0.5, 0.25]}))
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/recommendations/part-000000.parquet", Body=part)
    failed = json.dumps({"user_id": "x", "reason": "userId has 257 characters"})
    s3.put_object(Bucket=artefact_bucket, Key="batch/r1/failed/000000.jsonl", Body=failed.encode())

    assert recommend(output=OUTPUT) == 3

    lines = s3.get_object(Bucket="uploads", Key="out/users.json.out")["Body"].read().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"input": {"userId": "ann"}, "output": {"recommendedItems": ["a", "b"], "scores": [0.5, 0.25]}, "error": None},
        {"input": {"userId": "bob"}, "output": {"recommendedItems": [], "scores": []}, "error": None},
        {"input": {"userId": "x"}, "output": None, "error": "userId has 257 characters"},
    ]

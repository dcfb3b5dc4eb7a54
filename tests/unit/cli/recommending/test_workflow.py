"""Run of the deployment's batch workflow: users, failures and results."""

import dataclasses
import json
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from alsolike.configuration.configuration import ColumnType
from alsolike.configuration_document.client_resources import OwnNames
from alsolike.declarations.storage import OWN_NAMES_KEY
from alsolike.runtime.errors import Unavailable
from operations.batch import workflow
from operations.batch.segments import Segment, write
from tests.fakes.places import create_bucket
from tests.unit.cli import command_line
from tests.unit.cli.shop import NAMES

KIND = {"kind": ColumnType.STRING}
FILTERS = {"cheap": "EXCLUDE ItemID WHERE Items.PRICE > $PRICE"}


class Machine:
    """State machine that immediately writes the same objects to S3 as the real one.

    Batches in `skipped` have no results. `error` is that of a failing batch, and `best` has the users of a segment.
    """

    def __init__(self, s3):
        self.s3 = s3
        self.status = "SUCCEEDED"
        self.skipped = set()
        self.error = None
        self.cause = ""
        self.best = []
        self.inputs = []

    def start_execution(self, *, stateMachineArn, name, input):  # noqa: N803 - as boto3 has it
        assert stateMachineArn == NAMES.batch_state_machine_arn
        self.inputs.append(json.loads(input))
        for key, users in self.users(name).items():
            batch = key.rpartition("/")[2].removesuffix(".json")
            if batch in self.skipped:
                continue
            bad = [user for user in users if "bad" in user]
            good = len(users) - len(bad)
            counts = {"users": str(good), "items": str(2 * good), "failed": str(len(bad))}
            self.put(f"batch/{name}/recommendations/part-{batch}.parquet", b"rows", Metadata=counts)
            if bad:
                lines = [json.dumps({"user_id": user, "reason": "is bad"}) for user in bad]
                self.put(f"batch/{name}/failed/{batch}.jsonl", "\n".join(lines).encode())
        if self.inputs[-1]["recommender"] == "segments":
            output = {"output": {"recommendedUsers": self.best}}
            self.put(f"batch/{name}/segment/lines.out", json.dumps(output).encode())
        if self.error is not None:
            self.put(f"batch/{name}/errors/000001.json", self.error.encode())
        return {"executionArn": f"arn:{name}"}

    def users(self, run):
        listed = self.s3.list_objects_v2(Bucket=NAMES.artefact_bucket, Prefix=f"batch/{run}/users/").get("Contents", [])
        objects = [self.s3.get_object(Bucket=NAMES.artefact_bucket, Key=entry["Key"]) for entry in listed]
        bodies = [json.loads(found["Body"].read()) for found in objects]
        return {entry["Key"]: body for entry, body in zip(listed, bodies, strict=True)}

    def stored(self, uri):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def put(self, key, body, **more):
        self.s3.put_object(Bucket=NAMES.artefact_bucket, Key=key, Body=body, **more)

    def describe_execution(self, *, executionArn):  # noqa: N803 - as boto3 has it
        return {"status": self.status, "executionArn": executionArn, "cause": self.cause}


@pytest.fixture
def machine(client, deployment, select, monkeypatch):
    machine = Machine(client("s3"))
    select(dataclasses.replace(deployment, client=lambda name: machine if name == "stepfunctions" else client(name)))
    monkeypatch.setattr(workflow, "USERS_OF_A_BATCH", 2)
    return machine


@pytest.fixture
def recommend(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("USER_ID,AGE\nu0,1\nu1,2\nbad,3\n,4\nu2,5\nu3,6\n")
    return partial(command_line.run, "recommend", "--users", "users.csv", catch_exceptions=True)


def test_users_are_stored_in_batches_and_the_workflow_gets_the_options(machine, recommend):
    machine.put(OWN_NAMES_KEY, OwnNames({}, FILTERS).to_json())

    done = recommend("--workflow", "--filter", "cheap", "--value", "PRICE=20", "-k", "7", "--json")

    assert done.exit_code == 1  # Two users have no response.
    document = json.loads(done.stdout)
    (given,) = machine.inputs
    run = given.pop("run")
    assert given == {
        "recommender": "for-you", "numResults": 7, "filter": "cheap", "filterValues": {"PRICE": "20"},
    }  # fmt: skip
    assert machine.users(run) == {
        f"batch/{run}/users/000000.json": ["u0", "u1"],
        f"batch/{run}/users/000001.json": ["bad", "u2"],
        f"batch/{run}/users/000002.json": ["u3"],
    }
    assert document["uri"] == f"s3://{NAMES.artefact_bucket}/batch/{run}/recommendations/"
    assert (document["parts"], document["users"], document["items"], document["failed"]) == (3, 5, 8, 2)
    assert Path("users.csv.failed.csv").read_text() == "USER_ID,LINE,REASON\n,5,USER_ID is missing\nbad,,is bad\n"


def test_parts_are_copied_to_the_output_prefix(machine, client, recommend):
    create_bucket(client("s3"), "mailing")

    done = recommend("--output", "s3://mailing/may")

    assert "in 3 parts of s3://mailing/may/" in done.stdout
    keys = [entry["Key"] for entry in client("s3").list_objects_v2(Bucket="mailing")["Contents"]]
    assert keys == [f"may/part-00000{number}.parquet" for number in range(3)]


@pytest.mark.parametrize("twice", [False, True])  # Step Functions may encode JSON as a JSON string.
def test_failed_run_has_the_errors_of_its_batches(machine, recommend, twice):
    machine.status, machine.skipped = "FAILED", {"000001"}
    error = json.dumps({"Error": "NotFound", "Cause": json.dumps({"errorMessage": "no filter 'sale'"})})
    machine.error = json.dumps(error) if twice else error

    done = recommend("--workflow")

    assert isinstance(done.exception, workflow.BatchFailed)
    assert "failed with 2 of 3 batches done: batch 000001: NotFound: no filter 'sale'" in str(done.exception)
    assert not Path("users.csv.failed.csv").exists()


def test_run_with_missing_parts_fails(machine, recommend):
    machine.skipped = {"000002"}

    done = recommend("--workflow")

    assert isinstance(done.exception, workflow.BatchFailed)
    assert "ended with 2 parts, expected 3" in str(done.exception)


@pytest.mark.parametrize(
    ("filters", "options", "message"),
    [
        ({}, ("--filter", "sale"), "--filter is 'sale', expected none: the configuration has no filters"),
        (FILTERS, ("--filter", "sale"), "--filter is 'sale', expected cheap"),
        (FILTERS, ("--filter", "cheap", "--value", "COLOR=red"), "COLOR is not a parameter of filter cheap"),
        ({}, ("--recommender", "similar-items"), '--recommender is "similar-items", expected one of for-you'),
    ],
)
def test_unknown_name_starts_no_run(machine, recommend, filters, options, message):
    machine.put(OWN_NAMES_KEY, OwnNames({}, filters).to_json())

    done = recommend("--workflow", *options)

    assert message in str(done.exception)
    assert not machine.inputs
    assert not machine.s3.list_objects_v2(Bucket=NAMES.artefact_bucket, Prefix="batch/")["KeyCount"]


def test_empty_user_list_starts_no_run(machine, recommend):
    Path("users.csv").write_text("USER_ID\n")

    done = recommend("--workflow")

    assert str(done.exception) == "users.csv has no users"
    assert not machine.inputs


@pytest.fixture
def segments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(command_line.run, "segments", catch_exceptions=True)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--item", "fig"), {"itemId": "fig"}),
        (("--where", 'Items.KIND = "fruit"'), {"itemAttributes": 'Items.KIND = "fruit"'}),
        (("--filter", "cheap", "--value", "PRICE=20"), {"filter": "cheap", "filterValues": {"PRICE": "20"}}),
    ],
)
def test_segment_is_written_as_csv(machine, segments, options, line):
    machine.best = ["u1", 'u,"0']
    machine.put(OWN_NAMES_KEY, OwnNames({}, FILTERS, KIND).to_json())

    done = segments(*options, "-n", "20")

    assert done.exit_code == 0, done.output
    (given,) = machine.inputs
    folder = f"s3://{NAMES.artefact_bucket}/batch/{given['run']}/segment/"
    assert given == {
        "run": given["run"], "recommender": "segments", "numResults": 20, "filter": None, "filterValues": None,
        "source": f"{folder}lines", "output": folder,
    }  # fmt: skip
    assert machine.stored(given["source"]) == line
    assert Path("segment.csv").read_text() == 'USER_ID,RANK\nu1,1\n"u,""0",2\n'
    assert "2 users in segment.csv" in done.stdout


def test_segment_of_a_file_of_users_reports_invalid_ones(machine, segments):
    Path("users.csv").write_text("USER_ID\nu0\nbad\n")

    done = segments("--item", "fig", "--users", "users.csv", "--output", "mail.csv", "--json")

    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert (document["users"], document["output"]) == (0, "mail.csv")
    assert ["u0", "bad"] in machine.users(document["run"]).values()
    assert Path("users.csv.failed.csv").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "expected one of --item, --where and --filter"),
        (("--item", "a", "--filter", "b"), "expected one of --item, --where and --filter"),
        (("--item", "a", "--value", "A=1"), "there is no --filter"),
        (("--filter", "a", "--value", "A"), "--value"),
        (("--where", "KIND = 3"), "the segment.itemAttributes is invalid"),
        (("--filter", "cheap"), "the segment.filter is 'cheap', expected a filter of the configuration"),
        (("--where", 'Items.SORT = "a"'), "the segment: Items.SORT is not declared"),
        (("--item", "a", "-n", "3000000"), "the segment has 3,000,000 users, expected 1 to 2,000,000"),
    ],
)
def test_invalid_segment_starts_no_run(machine, segments, options, problem):
    done = segments(*options)

    assert done.exit_code != 0
    assert problem in done.output or problem in str(done.exception)
    assert machine.inputs == []


def test_failed_segment_names_the_cause(machine, segments):
    machine.status, machine.cause = "FAILED", json.dumps({"errorMessage": "there is no model yet"})

    done = segments("--item", "fig")

    assert "failed with 0 batches done: there is no model yet" in str(done.exception)
    assert not Path("segment.csv").exists()


@pytest.mark.parametrize("arguments", ["recommend --users users.csv --workflow", "segments --item fig"])
def test_interrupted_command_names_the_run_that_continues(machine, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("USER_ID\nu0\n")
    monkeypatch.setattr(machine, "describe_execution", Mock(side_effect=KeyboardInterrupt))

    done = command_line.run(*arguments.split(), exit_code=130)

    run = machine.inputs[0]["run"]
    assert f"stopped; the workflow continues without this command, as execution {run}" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]


def test_segment_that_cannot_be_written_leaves_no_partial_file(tmp_path):
    path = tmp_path / "segment.csv"
    path.mkdir()

    with pytest.raises(Unavailable, match=r"segment\.csv cannot be written"):
        write(Segment(("u1",), "run", 1.0), path)

    assert list(tmp_path.iterdir()) == [path]

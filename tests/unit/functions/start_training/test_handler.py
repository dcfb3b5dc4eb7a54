import json
import re
import time

import pytest

from alsolike.declarations.storage import CHAMPION_KEY, TRAINING_RUN_KEY
from alsolike.registry.canary import Canary
from alsolike.registry.training_lock import TrainingLock
from alsolike.runtime.errors import ConcurrentUpdate, InvalidBundle, InvalidInput, MissingSetting, NotFound
from functions.start_training import handler
from functions.start_training.service import EngineRule
from functions.start_training.training_run import Cause, Trigger, read_trigger, run_of
from tests.builders.lambda_events import NOW_MS, LambdaContext
from tests.builders.world import World
from tests.fakes.places import objects

STARTED = "2026-03-01T04:05:06Z"


class Runs(World):
    """Executions of a state machine, and the function that each execution invokes first."""

    def __init__(self, aws, bucket, lake):
        super().__init__(aws, bucket)
        self.lake, self.stepfunctions = lake, aws("stepfunctions")
        machine = self.stepfunctions.create_state_machine(
            name="training", definition="{}", roleArn="arn:aws:iam::123456789012:role/training"
        )
        self._machine = machine["stateMachineArn"]

    def execution(self, name):
        """Start an execution, which runs until it is stopped, and return its ARN."""
        answer = self.stepfunctions.start_execution(stateMachineArn=self._machine, name=name)
        return answer["executionArn"]

    def stop(self, execution_id):
        self.stepfunctions.stop_execution(executionArn=execution_id)

    def start(self, execution_id, document=None):
        event = {"execution_id": execution_id, "started_at": STARTED, "input": document or {}}
        return handler.lambda_handler(event, LambdaContext())

    def holder(self):
        document: dict[str, str] = json.load(self.s3.get_object(Bucket=self.bucket, Key=TRAINING_RUN_KEY)["Body"])
        return document["execution_id"]

    def put_model(self, version):
        for name in ("graph.data", "graph.onnx", "manifest.json"):
            self.put(f"models/{version}/{name}", f"{version} {name}".encode())

    def serve_model(self, version):
        self.put_model(version)
        self.promote(version)

    def keys(self, prefix):
        return list(objects(self.s3, self.bucket, prefix))


@pytest.fixture
def runs(aws, artefact_bucket, lake_bucket, set_variables):
    set_variables(SPARK_ABOVE_MB="1")
    return Runs(aws, artefact_bucket, lake_bucket)


def test_first_run_acquires_the_lock_and_builds_a_dataset(runs):
    execution = runs.execution("a")

    answer = runs.start(execution, {"trigger": "drift", "reason": "psi 0.3"})

    assert (answer["first"], answer["engine"], answer["reason"]) == ("dataset", "lambda", "drift: psi 0.3")
    assert answer["version"] == answer["run_id"]
    assert answer["dataset_s3_uri"] == f"s3://{runs.bucket}/datasets/{answer['run_id']}/"
    assert runs.holder() == execution
    assert runs.keys("datasets/") == []  # There is no champion yet.


def test_run_deletes_old_datasets_that_no_kept_version_uses(runs, monkeypatch):
    for version in ("v1", "v2"):
        runs.serve_model(version)
    for dataset in ("v0", "v1", "v2", "latest"):
        for name in ("interactions.parquet", "manifest.json"):
            runs.put(f"datasets/{dataset}/{name}", b"1")
        time.sleep(0.002)
    runs.put("datasets/broken-off/interactions.parquet", b"1")

    def datasets_after(days):
        monkeypatch.setattr(
            "functions.start_training.handler.time.time_ns", lambda: int((time.time() + days * 86_400) * 1e9)
        )
        answer = runs.start(runs.execution("a"))
        return {key.split("/")[1] for key in runs.keys("datasets/")} - {answer["run_id"]}

    assert datasets_after(6) == {"v0", "v1", "v2", "latest", "broken-off"}
    assert datasets_after(8) == {"v1", "v2", "latest"}


def test_run_during_another_run_is_busy(runs):
    first, second = runs.execution("a"), runs.execution("b")
    run_id = runs.start(first)["run_id"]

    answer = runs.start(second)

    assert answer["first"] == "busy"
    assert answer["reason"] == f"by-hand; not started, because run {run_id} is active as execution {first}"
    assert runs.holder() == first


def test_repeated_call_of_the_same_execution_keeps_the_lock(runs):
    execution = runs.execution("a")

    assert runs.start(execution) == runs.start(execution)


@pytest.mark.parametrize("holder", [None, "{}-of-old", "x"], ids=["ended", "unknown", "no ARN"])
def test_lock_of_an_ended_or_unknown_run_is_taken_over(runs, holder):
    first, second = runs.execution("a"), runs.execution("b")
    runs.start(first)
    runs.stop(first)
    if holder:
        body = json.dumps({"execution_id": holder.format(first), "run_id": "r0"})
        runs.put(TRAINING_RUN_KEY, body)

    assert runs.start(second)["first"] == "dataset"
    assert runs.holder() == second


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"execution_id": 1, "run_id": "r"}', b'{"execution_id": "", "run_id": "r"}'],
)
def test_unreadable_lock_raises_and_can_be_cleared(runs, body):
    runs.put(TRAINING_RUN_KEY, body)
    turn = TrainingLock(runs.s3, runs.stepfunctions, runs.bucket)

    with pytest.raises(InvalidInput, match=r"is unreadable: .*; repair it with `alsolike models repair`$"):
        runs.start(runs.execution("a"))
    with pytest.raises(InvalidInput, match="is unreadable"):
        turn.running()
    assert turn.is_broken()

    turn.clear()
    assert not turn.is_broken()
    assert runs.start(runs.execution("a"))["first"] == "dataset"


def test_training_with_a_deleted_champion_pointer_fails(runs):
    runs.s3.put_bucket_versioning(Bucket=runs.bucket, VersioningConfiguration={"Status": "Enabled"})
    runs.serve_model("v1")
    runs.s3.delete_object(Bucket=runs.bucket, Key=CHAMPION_KEY)

    with pytest.raises(InvalidBundle, match="was deleted; repair it with `alsolike models repair`"):
        runs.start(runs.execution("a"))


@pytest.mark.parametrize("there_was_one_before", [False, True])
def test_only_one_of_two_concurrent_runs_acquires_the_lock(runs, there_was_one_before):
    if there_was_one_before:
        runs.start(runs.execution("old"))
        runs.stop(runs.execution("old"))
    first, second = runs.execution("a"), runs.execution("b")
    quicker = TrainingLock(runs.s3, runs.stepfunctions, runs.bucket)

    class Slower(TrainingLock):
        def _write(self, *arguments):
            # The other run acquires the lock between the read and the write of this run.
            assert quicker.acquire(first, run_id="ra", now_ms=1).execution_id == first
            return super()._write(*arguments)

    with pytest.raises(ConcurrentUpdate, match=f"another run took s3://{runs.bucket}/workflow/training-run.json"):
        Slower(runs.s3, runs.stepfunctions, runs.bucket).acquire(second, run_id="rb", now_ms=1)

    assert runs.holder() == first
    assert runs.start(second)["first"] == "busy"  # A retry of the workflow step receives this result.


def test_champion_is_copied_into_the_dataset(runs):
    runs.serve_model("v1")

    run_id = runs.start(runs.execution("a"))["run_id"]

    prefix = f"datasets/{run_id}/champion/"
    assert runs.keys("datasets/") == [f"{prefix}{name}" for name in ("graph.data", "graph.onnx", "manifest.json")]
    assert runs.s3.get_object(Bucket=runs.bucket, Key=f"{prefix}graph.data")["Body"].read() == b"v1 graph.data"


CHECKSUM = "ab" * 32


def test_imported_graph_is_copied_into_the_dataset(runs):
    for name in ("graph.onnx", "model.json"):
        runs.put(f"training/graphs/{CHECKSUM}/{name}", name)

    answer = runs.start(runs.execution("a"), {"trigger": "by-hand", "imported": CHECKSUM})

    prefix = f"datasets/{answer['run_id']}/imported/"
    assert answer["first"] == "dataset"
    assert runs.keys("datasets/") == [f"{prefix}graph.onnx", f"{prefix}model.json"]


def test_import_without_files_is_refused(runs):
    with pytest.raises(NotFound, match=f"training/graphs/{CHECKSUM}/ has no files: repeat `alsolike models import`"):
        runs.start(runs.execution("a"), {"imported": CHECKSUM})


def test_named_version_starts_at_its_canary_without_a_dataset(runs):
    runs.serve_model("v1")

    answer = runs.start(runs.execution("a"), {"version": "v0"})

    assert (answer["first"], answer["version"], answer["reason"]) == ("canary", "v0", "by-hand; tries version v0")
    assert runs.keys("datasets/") == []


@pytest.mark.parametrize("is_active", [False, True])
def test_canary_is_kept_only_while_its_run_is_active(runs, is_active):
    runs.serve_model("v1")
    runs.put_model("v2")
    run_id = runs.start(runs.execution("a"))["run_id"] if is_active else "of-a-dead-run"
    canary = Canary("v2", "v1", 0.1, NOW_MS, NOW_MS + 1, 100, run_id=run_id)
    runs.registry.start_canary(runs.champion, canary)

    answer = runs.start(runs.execution("b"))

    assert answer["first"] == ("busy" if is_active else "dataset")
    assert (runs.champion.version, runs.champion.canary) == ("v1", canary if is_active else None)


@pytest.mark.parametrize(
    ("megabytes", "engine"), [((0.5, 0.4), "lambda"), ((0.5, 0.5), "lambda"), ((0.6, 0.5), "spark")]
)
def test_lake_size_selects_the_dataset_engine(runs, megabytes, engine):
    for number, size in enumerate(megabytes):
        key = f"interactions/event_date=2026-03-01/{number}.parquet"
        runs.s3.put_object(Bucket=runs.lake, Key=key, Body=bytes(int(size * 1_000_000)))
    runs.s3.put_object(Bucket=runs.lake, Key="served/event_date=2026-03-01/0.parquet", Body=bytes(2_000_000))

    assert runs.start(runs.execution("a"))["engine"] == engine


def test_dataset_engine_can_be_set(runs, monkeypatch):
    monkeypatch.setenv("DATASET_ENGINE", "spark")

    assert runs.start(runs.execution("a"))["engine"] == "spark"


def test_unknown_engine_is_refused():
    with pytest.raises(MissingSetting, match="DATASET_ENGINE is 'flink', expected auto, lambda, spark"):
        EngineRule("flink", 1)


def test_invalid_input_acquires_no_lock(runs):
    with pytest.raises(InvalidInput, match="trigger is 'moon'"):
        runs.start(runs.execution("a"), {"trigger": "moon"})

    assert runs.keys("training/") == []


EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:training:1b2c"


def test_run_id_starts_with_the_utc_start_time():
    run = run_of(EXECUTION, started_at="2026-03-01T04:05:06.789+02:00")

    assert run.run_id.startswith("20260301t020506-")
    assert re.fullmatch(r"[0-9a-z-]{1,40}", run.run_id)
    assert run.started_ms == 1_772_330_706_789


@pytest.mark.parametrize("started_at", ["yesterday", "2026-03-01T04:05:06"])
def test_invalid_start_time_is_refused(started_at):
    with pytest.raises(InvalidInput, match=f"started_at is '{started_at}'"):
        run_of(EXECUTION, started_at=started_at)


EVENT = {"version": "0", "id": "7", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}


@pytest.mark.parametrize(
    ("document", "trigger"),
    [
        ({}, Trigger(Cause.BY_HAND)),
        ({"trigger": "schedule"}, Trigger(Cause.SCHEDULE)),
        ({"trigger": "new-data", "reason": " 1,000 more "}, Trigger(Cause.NEW_DATA, "1,000 more")),
        ({"version": "20260301t040506-8cb309"}, Trigger(Cause.BY_HAND, version="20260301t040506-8cb309")),
        ({"version": "v1", "reason": "for spring"}, Trigger(Cause.BY_HAND, "for spring", "v1")),
        ({"imported": "ab" * 32}, Trigger(Cause.BY_HAND, imported="ab" * 32)),
        (EVENT, Trigger(Cause.SCHEDULE)),
    ],
)
def test_input_is_parsed_into_cause_reason_and_version(document, trigger):
    assert read_trigger(document) == trigger


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the input is a list, expected an object"),
        (None, "the input is a NoneType, expected an object"),
        ({"trigger": "moon"}, "trigger is 'moon', expected one of schedule, new-data, drift, by-hand"),
        ({"trigger": None}, "trigger is None, expected text"),
        ({"versions": "v1"}, "the input has 'versions', expected only trigger, reason, version, imported"),
        ({"version": 7}, "version is 7, expected text"),
        ({"version": ""}, "version is '', expected 1 to 100 letters"),
        ({"version": "../v1"}, r"version is '\.\./v1', expected 1 to 100 letters"),
        ({"imported": "AB"}, "imported is 'AB', expected a SHA-256 checksum in hexadecimal digits"),
        ({"imported": "ab" * 32, "version": "v1"}, "the input has the version 'v1' and an import, expected one of"),
        ({"reason": ""}, "reason is '', expected text or null"),
        ({"reason": " \n"}, "reason is ' .n', expected text or null"),
        ({"reason": "x" * 701}, "reason has 701 characters, expected at most 700"),
    ],
)
def test_invalid_input_is_refused_with_field_and_value(document, message):
    with pytest.raises(InvalidInput, match=message):
        read_trigger(document)

"""Training runs, and the output of `alsolike train`."""

import dataclasses
import datetime as dt
import json
import time
from typing import Any

import pytest

from alsolike.declarations.storage import TRAINING_LOG_GROUP
from operations.client.deployment import Deployment
from operations.models import training_run
from operations.models.training_run import TrainingBusy, TrainingFailed, TrainingResult
from operations.models.training_watch import Watch
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.shop import DATASET, KEY, MANIFEST, NAMES

ARN = "arn:aws:states:eu-west-1:123456789012:execution:training:run-7"
OUTCOME = TrainingResult("r1", "r1", "promoted", ("passed: parity",), trained=True, duration_s=1.0)


@pytest.fixture
def shop(shop, monkeypatch):
    """Return the deployment `--env shop`. The training has already written a dataset and a model."""
    put = shop.client("s3").put_object
    put(Bucket=NAMES.artefact_bucket, Key="datasets/r1/manifest.json", Body=DATASET.to_json())
    put(Bucket=NAMES.artefact_bucket, Key="models/r1/manifest.json", Body=json.dumps(MANIFEST))
    monkeypatch.setattr(training_run, "start", lambda where, **options: ARN)
    monkeypatch.setattr(training_run, "follow", lambda *arguments, **options: OUTCOME)
    return shop


def raising(error):
    def replaced(*arguments, **options):
        raise error

    return replaced


def test_interrupted_train_prints_how_to_follow_the_run(shop, monkeypatch):
    monkeypatch.setattr(training_run, "follow", raising(KeyboardInterrupt))

    result = run("train", "--env", "shop", exit_code=130)

    assert "the run continues without this command, as execution run-7" in result.stderr
    assert "status --env shop`" in result.stderr
    assert "train --execution run-7 --env shop`" in result.stderr
    assert result.stdout == ""


def test_train_prints_the_dataset_the_selection_and_the_reranker(shop):
    printed = run("train", "--env", "shop").stdout

    assert "Quality on the test part, 1,234 users, seen items masked (* selected on the validation part)" in printed
    assert "1,312 rows read, 1,200 kept: 4 users, 3 items, 25.0% repeats" in printed
    assert "left out   12 interactions stored twice, 100 interactions with rare items\n" in printed
    assert "sasrec was left out: torch is not installed\n" in printed
    assert "reranker: off, 12 responses with an outcome, at least 625 needed\n" in printed
    assert (
        "ease is selected: it has the highest NDCG on the validation set, 0.4500. Its settings: ridge 50\n" in printed
    )
    assert "validation NDCG@10" in " ".join(printed.split())


def test_train_as_json_has_the_dataset_and_the_reranker(shop):
    document = run_json("train", "--env", "shop")

    assert document["left_out"] == {"sasrec": "torch is not installed"}
    assert document["reranker"] == "off, 12 responses with an outcome, at least 625 needed"
    quality = document["dataset"]
    assert (quality["rows_read"], quality["kept"], quality["repeat_share"]) == (1_312, 1_200, 0.25)
    assert quality["dropped"] == {"duplicate_event": 12, "unknown_event_type": 0, "rare_item": 100}


@pytest.mark.parametrize("decision", ["rejected", "rolled_back"])
def test_model_that_is_not_promoted_exits_with_status_3(shop, monkeypatch, decision):
    outcome = dataclasses.replace(OUTCOME, decision=decision)
    monkeypatch.setattr(training_run, "follow", lambda *arguments, **options: outcome)

    result = run("train", "--env", "shop", exit_code=3)

    assert f"model r1 was {decision.replace('_', ' ')}:\n  passed: parity\n" in result.stdout


def test_json_of_a_run_without_training_has_no_dataset(shop, monkeypatch):
    outcome = dataclasses.replace(OUTCOME, run_id="r9", trained=False)
    monkeypatch.setattr(training_run, "follow", lambda *arguments, **options: outcome)

    assert run_json("train", "--env", "shop")["dataset"] is None


@pytest.mark.parametrize(
    ("begun", "output"), [(True, f"started {ARN}\n"), (False, f"started {ARN}, which has not begun yet\n")]
)
def test_no_follow_option_waits_until_the_run_has_started(shop, monkeypatch, begun, output):
    polled: list[str] = []

    def waited(deployment, execution_arn, *, within_s):
        polled.append(execution_arn)
        assert within_s == 60
        return begun

    monkeypatch.setattr(training_run, "wait_until_begun", waited)

    result = run("train", "--no-follow", "--env", "shop")

    assert (result.exit_code, result.stdout, polled) == (0, output, [ARN])


def test_running_execution_is_followed_without_a_new_start(shop, monkeypatch):
    followed: list[str] = []

    def follow(deployment, execution_arn, **options):
        followed.append(execution_arn)
        options["on_line"]("[    0.0 s] Train")
        return OUTCOME

    monkeypatch.setattr(training_run, "follow", follow)
    monkeypatch.delattr(training_run, "start")

    result = run("train", "--env", "shop", "--execution", "run-7")

    assert followed == [ARN]
    assert "[    0.0 s] Train\n" in result.stderr


START = {"run_id": "r1", "first": "dataset", "engine": "lambda", "reason": "by-hand: a test", "version": "r1"}
BUILT = {"run_id": "r1", "dataset_s3_uri": "s3://artefacts/datasets/r1/", "interactions": 90, "users": 8, "items": 7}
REGISTRATION = {"version": "r1", "verdict": "rejected", "reasons": ["failed: ndcg@10: ease 0.1, popularity 0.2"]}
SUCCEEDED = {"Type": "Succeed"}


def workflow(last, **states):
    """Return the definition of a state machine. Each of `states` sets a field of the document, given as name and value.

    A state with None sets no field. `last` is the name and the definition of the last state.
    """
    names = [*states, last[0]]
    passes = {}
    for (name, result), following in zip(states.items(), names[1:], strict=True):
        field = {"Result": result[1], "ResultPath": f"$.{result[0]}"} if result else {}
        passes[name] = {"Type": "Pass", "Next": following, **field}
    return {"StartAt": names[0], "States": {**passes, last[0]: last[1]}}


def failed(cause):
    return "Failed", {"Type": "Fail", "Error": "TrainingFailed", "Cause": cause}


SUCCEEDING = workflow(
    ("Rejected", SUCCEEDED),
    StartTraining=("start", START),
    BuildDataset=("dataset", BUILT),
    RegisterModel=("registration", REGISTRATION),
)
FAILING = workflow(failed(json.dumps({"FailureReason": "AlgorithmError: InvalidDataset: 3 users"})), Train=None)
TRIED = {"run_id": "r1", "first": "canary", "reason": "by-hand; tries version v0", "version": "v0"}
CANARY = {"version": "v0", "state": "rolled_back", "reasons": ["errors: 3 points more"]}
TRYING = workflow(("RolledBack", SUCCEEDED), StartTraining=("start", TRIED), LookAtCanary=("canary", CANARY))
BUSY_REASON = "by-hand; not started, because run r0 is active as execution e0"
REFUSED = {"run_id": "r1", "first": "busy", "reason": BUSY_REASON, "version": "r1"}
BUSY = workflow(("Busy", SUCCEEDED), StartTraining=("start", REFUSED))
FAILURE = {"state": "Train", "run_id": "r1", "error": "NoSuchTable", "cause": json.dumps({"errorMessage": "no table"})}
CATCHING = workflow(failed("see above"), Train=None, TrainFailed=("failure", FAILURE))


@pytest.fixture
def stepfunctions(aws, cloud):
    """Return a Step Functions client whose service executes simple states."""
    cloud.step_functions.executes = True
    return aws("stepfunctions")


def deployed(stepfunctions, definition):
    role = "arn:aws:iam::123456789012:role/training"
    machine = stepfunctions.create_state_machine(name="training", definition=json.dumps(definition), roleArn=role)
    names = dataclasses.replace(NAMES, state_machine_arn=machine["stateMachineArn"])
    return Deployment("shop", names, lambda service: stepfunctions, lambda: KEY, is_local=True)


def listed(deployment):
    (run,) = training_run.runs(deployment).latest(maximum=5)
    assert run.started.utcoffset() == dt.timedelta(0)
    return run.status, run.run_id, run.version, run.decision, run.reason


@pytest.mark.parametrize(
    ("definition", "outcome"),
    [
        (SUCCEEDING, ("r1", "rejected", ("failed: ndcg@10: ease 0.1, popularity 0.2",), True)),
        (TRYING, ("v0", "rolled_back", ("errors: 3 points more",), False)),
    ],
    ids=["training", "canary of a version"],
)
def test_finished_run_has_its_decision_and_reasons_and_is_listed(stepfunctions, definition, outcome):
    deployment = deployed(stepfunctions, definition)

    found = training_run.follow(deployment, training_run.start(deployment))

    assert (found.version, found.decision, found.reasons, found.trained) == outcome
    assert listed(deployment) == ("SUCCEEDED", found.run_id, found.version, found.decision, None)


@pytest.mark.parametrize(
    ("definition", "error", "message", "expected"),
    [
        (BUSY, TrainingBusy, "run r0 is active as execution e0", ("SUCCEEDED", None, None, "busy", BUSY_REASON)),
        (FAILING, TrainingFailed, r"Train > Failed: TrainingFailed: AlgorithmError: .* 3 users",
         ("FAILED", None, None, None, "TrainingFailed: AlgorithmError: InvalidDataset: 3 users")),
        (CATCHING, TrainingFailed, r"Train > TrainFailed > Failed: Train: NoSuchTable: no table$",
         ("FAILED", None, None, None, "Train: NoSuchTable: no table")),
    ],
    ids=["busy", "failed", "failed and caught"],
)  # fmt: skip
def test_failed_or_busy_run_raises_and_is_listed_with_its_cause(stepfunctions, definition, error, message, expected):
    deployment = deployed(stepfunctions, definition)

    with pytest.raises(error, match=message):
        training_run.follow(deployment, training_run.start(deployment))

    assert listed(deployment) == expected


def test_current_state_is_reported_at_every_poll(stepfunctions, monkeypatch):
    deployment = deployed(stepfunctions, SUCCEEDING)
    execution_arn = training_run.start(deployment)
    describe, polls = stepfunctions.describe_execution, []

    def running_twice(**arguments):
        polls.append(arguments)
        answer: dict[str, Any] = describe(**arguments)
        return {**answer, "status": "RUNNING"} if len(polls) < 3 else answer

    monkeypatch.setattr(stepfunctions, "describe_execution", running_twice)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    states: list[str] = []

    training_run.follow(deployment, execution_arn, on_state=states.append)

    assert states == ["StartTraining", "BuildDataset", "RegisterModel", *3 * ["Rejected"]]


def test_reason_is_passed_to_the_run(stepfunctions):
    deployment = deployed(stepfunctions, BUSY)

    execution = stepfunctions.describe_execution(executionArn=training_run.start(deployment, reason="new season"))

    assert json.loads(execution["input"]) == {"trigger": "by-hand", "reason": "new season"}
    assert training_run.runs(deployment).named(execution["name"]) == execution["executionArn"]


def test_run_has_begun_after_it_acquired_the_lock(stepfunctions):
    begun = deployed(stepfunctions, SUCCEEDING)
    assert training_run.wait_until_begun(begun, training_run.start(begun))


def test_busy_run_raises_before_it_is_followed(stepfunctions):
    busy = deployed(stepfunctions, BUSY)

    with pytest.raises(TrainingBusy, match="run r0 is active as execution e0"):
        training_run.wait_until_begun(busy, training_run.start(busy), within_s=60)


def test_wait_for_the_start_ends_after_its_timeout(stepfunctions):
    slow = {"StartAt": "StartTraining", "States": {"StartTraining": {"Type": "Wait", "Seconds": 600, "End": True}}}
    deployment = deployed(stepfunctions, slow)
    execution = training_run.start(deployment)

    assert not training_run.wait_until_begun(deployment, execution, within_s=0)
    stepfunctions.stop_execution(executionArn=execution)


STARTED = dt.datetime(2026, 3, 1, 4, 5, 6, tzinfo=dt.UTC)
JOB = "alsolike-r1"


def event(seconds, **details):
    return {"timestamp": STARTED + dt.timedelta(seconds=seconds), **details}


def entered(seconds, state):
    return event(seconds, stateEnteredEventDetails={"name": state})


def left(seconds, state, **run):
    return event(seconds, stateExitedEventDetails={"name": state, "output": json.dumps(run)})


def scheduled(seconds):
    parameters = json.dumps({"TrainingJobName": JOB})
    return event(seconds, taskScheduledEventDetails={"resourceType": "sagemaker", "parameters": parameters})


@pytest.fixture
def watch(deployment):
    return Watch(deployment, started=STARTED)


def lines(watch, *events, at=9):
    return list(watch.lines(list(events), now=STARTED + dt.timedelta(seconds=at)))


def test_states_are_printed_with_time_and_output(watch, client):
    client("s3").put_object(Bucket="artefacts", Key="datasets/r1/manifest.json", Body=DATASET.to_json())
    dataset = {"run_id": "r1", "dataset_s3_uri": "s3://artefacts/datasets/r1/"}

    shown = lines(
        watch,
        entered(0, "StartTraining"),
        left(0.5, "StartTraining", start={"run_id": "r1", "reason": "drift: psi 0.3"}),
        entered(0.5, "First"),
        entered(0.5, "BuildDataset"),
        left(3, "BuildDataset", dataset=dataset),
        left(4, "RegisterModel", registration={"version": "r1", "verdict": "rejected", "reasons": ["failed: ndcg"]}),
    )

    assert shown == [
        "[    0.0 s] StartTraining",
        "[    0.5 s]   run r1, drift: psi 0.3",
        "[    0.5 s] BuildDataset",
        "[    3.0 s]   1,200 interactions, 4 users, 3 items, s3://artefacts/datasets/r1/",
        "[    4.0 s]   version r1 rejected; failed: ndcg",
    ]


def test_dataset_of_spark_is_printed_after_its_run(watch, client):
    client("s3").put_object(Bucket="artefacts", Key="datasets/r1/manifest.json", Body=DATASET.to_json())
    dataset = {"run_id": "r1", "dataset_s3_uri": "s3://artefacts/datasets/r1/", "job_run_id": "jr_1"}

    began = left(3, "BuildDatasetOnSpark", dataset={"job_run_id": "jr_1"})
    shown = lines(watch, began, left(3, "DatasetOfSpark", dataset=dataset))

    assert shown == ["[    3.0 s]   1,200 interactions, 4 users, 3 items, s3://artefacts/datasets/r1/"]


def test_canary_is_printed_again_only_after_a_change(watch):
    def look(at, state, reason):
        canary = {"state": state, "reasons": [reason]}
        return [entered(at, "WaitForAnswers"), entered(at, "LookAtCanary"), left(at, "LookAtCanary", canary=canary)]

    shown = lines(watch, *look(1, "going", "10 answers"), *look(2, "going", "10 answers"), *look(3, "promoted", "99"))

    assert [line[12:] for line in shown] == [
        "WaitForAnswers", "LookAtCanary", "  canary going; 10 answers", "  canary promoted; 99",
    ]  # fmt: skip


class Job:
    """Clients of SageMaker and CloudWatch Logs in an account with one completed training job."""

    def __init__(self):
        self.streams: dict[str, list[str]] = {}

    def describe_training_job(self, *, TrainingJobName):  # noqa: N803
        assert TrainingJobName == JOB
        return {
            "TrainingJobStatus": "Completed",
            "SecondaryStatusTransitions": [{"Status": "Starting"}, {"Status": "Training"}],
            "FinalMetricDataList": [{"MetricName": "ndcg_at_10", "Value": 0.25}],
        }

    def describe_log_streams(self, *, logGroupName, logStreamNamePrefix):  # noqa: N803
        assert logGroupName == TRAINING_LOG_GROUP
        names = [name for name in self.streams if name.startswith(logStreamNamePrefix)]
        return {"logStreams": [{"logStreamName": name} for name in names]}

    def get_log_events(self, *, logStreamName, nextToken="0", **_):  # noqa: N803
        new = self.streams[logStreamName][int(nextToken) :]
        return {"events": [{"message": text} for text in new], "nextForwardToken": str(int(nextToken) + len(new))}


def test_job_is_printed_with_phases_log_and_metrics_once():
    job = Job()
    watch = Watch(Deployment("shop", NAMES, lambda service: job, lambda: KEY, is_local=False), started=STARTED)
    job.streams = {f"{JOB}/algo-1-1": ["dataset r1", "epoch 1"], f"{JOB}-of-another/algo-1-1": ["not ours"]}

    first = lines(watch, entered(1, "Train"), scheduled(1))
    job.streams[f"{JOB}/algo-1-2"] = ["epoch 2"]
    second = lines(watch)

    assert first[:2] == ["[    1.0 s] Train", f"[    1.0 s]   job {JOB}"]
    assert [line[14:] for line in first[2:]] == [
        "Starting", "Training", "| dataset r1", "| epoch 1", "figures: ndcg_at_10 0.2500",
    ]  # fmt: skip
    assert [line[14:] for line in second] == ["| epoch 2"]
    assert lines(watch) == lines(watch) == []


def test_failed_step_is_printed_with_its_cause(watch):
    cause = json.dumps({"TrainingJobName": JOB, "FailureReason": "AlgorithmError: 3 users"})

    (shown,) = lines(watch, event(7, taskFailedEventDetails={"error": "States.TaskFailed", "cause": cause}))

    assert shown == "[    7.0 s]   States.TaskFailed: AlgorithmError: 3 users"

import dataclasses
import datetime as dt
import json
import time
from typing import Any

import pytest

from operations.client.deployment import Deployment
from operations.models import training_run
from operations.models.training_run import TrainingBusy, TrainingFailed
from tests.unit.cli.shop import KEY, NAMES

START = {"run_id": "r1", "first": "dataset", "engine": "lambda", "reason": "by-hand: a test", "version": "r1"}
DATASET = {"run_id": "r1", "dataset_s3_uri": "s3://artefacts/datasets/r1/", "interactions": 90, "users": 8, "items": 7}
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
    BuildDataset=("dataset", DATASET),
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


def test_finished_run_is_listed_with_its_decision_and_reasons(stepfunctions):
    deployment = deployed(stepfunctions, SUCCEEDING)
    states: list[str] = []

    outcome = training_run.follow(deployment, training_run.start(deployment), on_state=states.append)

    assert (outcome.version, outcome.decision) == ("r1", "rejected")
    assert outcome.reasons == ("failed: ndcg@10: ease 0.1, popularity 0.2",)
    assert (outcome.run_id, outcome.trained) == ("r1", True)
    assert states == ["StartTraining", "BuildDataset", "RegisterModel", "Rejected"]
    (run,) = training_run.runs(deployment).latest(maximum=5)
    assert (run.status, run.run_id, run.version) == ("SUCCEEDED", "r1", "r1")
    assert (run.decision, run.reason) == ("rejected", None)
    assert run.started.utcoffset() == dt.timedelta(0)


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

    assert states[-2:] == ["Rejected", "Rejected"]
    assert len(states) == 4 + 2


def test_canary_of_a_version_has_its_decision(stepfunctions):
    deployment = deployed(stepfunctions, TRYING)

    outcome = training_run.follow(deployment, training_run.start(deployment))

    assert (outcome.version, outcome.decision, outcome.trained) == ("v0", "rolled_back", False)
    assert outcome.reasons == ("errors: 3 points more",)
    (run,) = training_run.runs(deployment).latest(maximum=5)
    assert (run.version, run.decision) == ("v0", "rolled_back")


def test_run_during_another_run_raises_training_busy(stepfunctions):
    deployment = deployed(stepfunctions, BUSY)

    with pytest.raises(TrainingBusy, match="run r0 is active as execution e0"):
        training_run.follow(deployment, training_run.start(deployment))

    (run,) = training_run.runs(deployment).latest(maximum=5)
    assert (run.status, run.run_id, run.decision) == ("SUCCEEDED", None, "busy")
    assert run.reason == BUSY_REASON


def test_reason_is_passed_to_the_run(stepfunctions):
    deployment = deployed(stepfunctions, BUSY)

    execution = stepfunctions.describe_execution(executionArn=training_run.start(deployment, reason="new season"))

    assert json.loads(execution["input"]) == {"trigger": "by-hand", "reason": "new season"}
    assert training_run.runs(deployment).named(execution["name"]) == execution["executionArn"]


def test_failed_run_raises_and_is_listed_with_its_cause(stepfunctions):
    deployment = deployed(stepfunctions, FAILING)

    with pytest.raises(TrainingFailed, match=r"Train > Failed: TrainingFailed: AlgorithmError: .* 3 users"):
        training_run.follow(deployment, training_run.start(deployment))

    (run,) = training_run.runs(deployment).latest(maximum=5)
    assert (run.status, run.version) == ("FAILED", None)
    assert run.reason == "TrainingFailed: AlgorithmError: InvalidDataset: 3 users"


def test_caught_failure_has_the_cause_of_the_failed_step(stepfunctions):
    deployment = deployed(stepfunctions, CATCHING)

    with pytest.raises(TrainingFailed, match=r"Train > TrainFailed > Failed: Train: NoSuchTable: no table$"):
        training_run.follow(deployment, training_run.start(deployment))


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

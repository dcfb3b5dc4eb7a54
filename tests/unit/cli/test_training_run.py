from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli import training_run
from cli.deployment import Deployment
from cli.training_run import TrainingFailed
from tests.unit.cli.shop import NAMES, REGION

DATASET = {"run_id": "r1", "dataset_s3_uri": "s3://artefacts/datasets/r1/", "interactions": 90, "users": 8, "items": 7}
REGISTRATION = {"version": "r1", "verdict": "rejected", "reasons": ["failed: ndcg@10: ease 0.1, popularity 0.2"]}
SUCCEEDING = {
    "StartAt": "BuildDataset",
    "States": {
        "BuildDataset": {"Type": "Pass", "Result": DATASET, "ResultPath": "$.dataset", "Next": "RegisterModel"},
        "RegisterModel": {"Type": "Pass", "Result": REGISTRATION, "ResultPath": "$.registration", "Next": "Rejected"},
        "Rejected": {"Type": "Succeed"},
    },
}
CAUSE = json.dumps({"FailureReason": "AlgorithmError: InvalidDataset: 3 users"})
FAILING = {
    "StartAt": "Train",
    "States": {
        "Train": {"Type": "Pass", "Next": "Failed"},
        "Failed": {"Type": "Fail", "Error": "TrainingFailed", "Cause": CAUSE},
    },
}
CATCHING = {
    "StartAt": "Train",
    "States": {
        "Train": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:describeTable",
            "Parameters": {"TableName": "nowhere"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
            "End": True,
        },
        "Failed": {"Type": "Fail", "Error": "TrainingFailed", "Cause": "see above"},
    },
}


@pytest.fixture
def stepfunctions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a Step Functions that runs what it is given."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield boto3.client("stepfunctions", region_name=REGION)


def deployed(stepfunctions: Any, definition: dict[str, Any]) -> Deployment:
    role = "arn:aws:iam::123456789012:role/training"
    machine = stepfunctions.create_state_machine(name="training", definition=json.dumps(definition), roleArn=role)
    names = dataclasses.replace(NAMES, state_machine_arn=machine["stateMachineArn"])
    return Deployment("shop", names, lambda service: stepfunctions, lambda scope: "", is_local=True)


def test_finished_run_says_what_was_decided_and_why(stepfunctions: Any) -> None:
    where = deployed(stepfunctions, SUCCEEDING)
    states: list[str] = []

    outcome = training_run.follow(where, training_run.start(where), on_state=states.append)

    assert (outcome.version, outcome.decision) == ("r1", "rejected")
    assert outcome.reasons == ("failed: ndcg@10: ease 0.1, popularity 0.2",)
    assert (outcome.interactions, outcome.users, outcome.items) == (90, 8, 7)
    assert states == ["BuildDataset", "RegisterModel", "Rejected"]


def test_failed_run_is_an_error_with_its_cause(stepfunctions: Any) -> None:
    where = deployed(stepfunctions, FAILING)

    with pytest.raises(TrainingFailed, match=r"Train > Failed: TrainingFailed: AlgorithmError: .* 3 users"):
        training_run.follow(where, training_run.start(where))


def test_cause_is_the_failed_steps_own_where_the_workflow_caught_it(stepfunctions: Any) -> None:
    where = deployed(stepfunctions, CATCHING)

    with pytest.raises(TrainingFailed, match=r"Train > Failed: DynamoDb\.ResourceNotFoundException"):
        training_run.follow(where, training_run.start(where))


def test_finished_run_is_listed_with_its_model_and_the_time_zone(stepfunctions: Any) -> None:
    where = deployed(stepfunctions, SUCCEEDING)
    training_run.follow(where, training_run.start(where))

    (run,) = training_run.latest(where, most=5)

    assert (run.status, run.run_id, run.version, run.decision, run.reason) == (
        "SUCCEEDED",
        "r1",
        "r1",
        "rejected",
        None,
    )
    assert run.started.utcoffset() == dt.timedelta(0)


def test_failed_run_is_listed_with_its_reason(stepfunctions: Any) -> None:
    where = deployed(stepfunctions, FAILING)
    with pytest.raises(TrainingFailed):
        training_run.follow(where, training_run.start(where))

    (run,) = training_run.latest(where, most=5)

    assert (run.status, run.version) == ("FAILED", None)
    assert run.reason == "TrainingFailed: AlgorithmError: InvalidDataset: 3 users"

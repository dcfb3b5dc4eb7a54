"""What `alsolike train` shows while a run goes on."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.deployment import Deployment
from cli.training_watch import LOG_GROUP, Watch
from tests.unit.cli.moto_clients import moto_clients
from tests.unit.cli.shop import DATASET

START = dt.datetime(2026, 3, 1, 4, 5, 6, tzinfo=dt.UTC)
JOB = "alsolike-r1"


def event(seconds: float, **details: Any) -> dict[str, Any]:
    return {"timestamp": START + dt.timedelta(seconds=seconds), **details}


def entered(seconds: float, state: str) -> dict[str, Any]:
    return event(seconds, stateEnteredEventDetails={"name": state})


def left(seconds: float, state: str, **run: Any) -> dict[str, Any]:
    return event(seconds, stateExitedEventDetails={"name": state, "output": json.dumps(run)})


def scheduled(seconds: float) -> dict[str, Any]:
    parameters = json.dumps({"TrainingJobName": JOB})
    return event(seconds, taskScheduledEventDetails={"resourceType": "sagemaker", "parameters": parameters})


@pytest.fixture
def watch(deployment: Deployment) -> Watch:
    return Watch(deployment, started=START)


def lines(watch: Watch, *events: dict[str, Any], at: float = 9) -> list[str]:
    return list(watch.lines(list(events), now=START + dt.timedelta(seconds=at)))


def test_states_come_with_the_time_and_what_they_hand_on(watch: Watch, client: Any) -> None:
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


def test_dataset_of_spark_is_shown_once_its_run_is_known(watch: Watch, client: Any) -> None:
    client("s3").put_object(Bucket="artefacts", Key="datasets/r1/manifest.json", Body=DATASET.to_json())
    dataset = {"run_id": "r1", "dataset_s3_uri": "s3://artefacts/datasets/r1/", "job_run_id": "jr_1"}

    shown = lines(
        watch,
        left(3, "BuildDatasetOnSpark", dataset={"job_run_id": "jr_1"}),
        left(3, "DatasetOfSpark", dataset=dataset),
    )

    assert shown == ["[    3.0 s]   1,200 interactions, 4 users, 3 items, s3://artefacts/datasets/r1/"]


def test_trial_is_shown_again_only_when_a_look_finds_something_else(watch: Watch) -> None:
    def look(at: float, state: str, reason: str) -> list[dict[str, Any]]:
        canary = {"state": state, "reasons": [reason]}
        return [entered(at, "WaitForAnswers"), entered(at, "LookAtCanary"), left(at, "LookAtCanary", canary=canary)]

    shown = lines(watch, *look(1, "going", "10 answers"), *look(2, "going", "10 answers"), *look(3, "promoted", "99"))

    assert [line[12:] for line in shown] == [
        "WaitForAnswers",
        "LookAtCanary",
        "  trial going; 10 answers",
        "  trial promoted; 99",
    ]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    with moto_clients(monkeypatch) as clients:
        yield clients


def test_job_is_shown_with_phases_log_and_figures_each_once(watch: Watch, client: Any) -> None:
    assert lines(watch, entered(1, "Train"), scheduled(1)) == ["[    1.0 s] Train", f"[    1.0 s]   job {JOB}"]
    client("sagemaker").create_training_job(
        TrainingJobName=JOB,
        RoleArn="arn:aws:iam::123456789012:role/training",
        AlgorithmSpecification={"TrainingImage": "any", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://artefacts/training"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    logs = client("logs")
    logs.create_log_group(logGroupName=LOG_GROUP)

    def log(stream: str, *messages: str) -> None:
        now_ms = time.time_ns() // 1_000_000
        events = [{"timestamp": now_ms + number, "message": text} for number, text in enumerate(messages)]
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)

    for stream in (f"{JOB}/algo-1-1", f"{JOB}/algo-1-2", f"{JOB}-of-another/algo-1-1"):
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    log(f"{JOB}/algo-1-1", "dataset r1", "epoch 1")
    log(f"{JOB}-of-another/algo-1-1", "not ours")

    first = [line[14:] for line in lines(watch)]
    log(f"{JOB}/algo-1-2", "epoch 2")
    second = [line[14:] for line in lines(watch)]

    assert first[0] == "Starting"  # moto's job has ended at once
    assert [text for text in first if text.startswith("|")] == ["| dataset r1", "| epoch 1"]
    assert first[-1].startswith("figures: ")
    assert second == ["| epoch 2"]
    assert lines(watch) == lines(watch) == []


def test_failed_step_is_shown_with_what_its_cause_says(watch: Watch) -> None:
    cause = json.dumps({"TrainingJobName": JOB, "FailureReason": "AlgorithmError: 3 users"})

    (shown,) = lines(watch, event(7, taskFailedEventDetails={"error": "States.TaskFailed", "cause": cause}))

    assert shown == "[    7.0 s]   States.TaskFailed: AlgorithmError: 3 users"

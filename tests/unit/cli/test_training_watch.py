"""Output of `alsolike train` during a run."""

import datetime as dt
import json

import pytest

from alsolike.declarations.storage import TRAINING_LOG_GROUP
from operations.client.deployment import Deployment
from operations.models.training_watch import Watch
from tests.unit.cli.shop import DATASET, KEY, NAMES

START = dt.datetime(2026, 3, 1, 4, 5, 6, tzinfo=dt.UTC)
JOB = "alsolike-r1"


def event(seconds, **details):
    return {"timestamp": START + dt.timedelta(seconds=seconds), **details}


def entered(seconds, state):
    return event(seconds, stateEnteredEventDetails={"name": state})


def left(seconds, state, **run):
    return event(seconds, stateExitedEventDetails={"name": state, "output": json.dumps(run)})


def scheduled(seconds):
    parameters = json.dumps({"TrainingJobName": JOB})
    return event(seconds, taskScheduledEventDetails={"resourceType": "sagemaker", "parameters": parameters})


@pytest.fixture
def watch(deployment):
    return Watch(deployment, started=START)


def lines(watch, *events, at=9):
    return list(watch.lines(list(events), now=START + dt.timedelta(seconds=at)))


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
    watch = Watch(Deployment("shop", NAMES, lambda service: job, lambda: KEY, is_local=False), started=START)
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

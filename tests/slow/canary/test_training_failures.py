"""Outcome and notifications of training that is interrupted, crashes, is killed or writes an incomplete bundle."""

import time
from pathlib import Path

import pytest

from tests.booted.assemblies import synthesized
from tests.booted.shop import SECONDS_PER_DAY, eventually, kill, write_history
from tests.booted.training_shop import TrainingShop

OWN = Path(__file__).parent / "own"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("training")
    assembly = synthesized(
        training_package=str(OWN), training_algorithms=["patient", "popularity"], canary_share_percent=0
    )
    with TrainingShop.booted(assembly, directory) as shop:
        history = directory / "purchases.csv"
        write_history(history, users=18, days=30, end=time.time())
        shop.alsolike("import", "interactions", history)
        yield shop


@pytest.fixture
def unchanged(shop):
    before = shop.champion()
    assert before is not None
    yield
    after = shop.champion()
    assert (after.version, after.canary) == (before.version, None)


def test_own_algorithm_becomes_champion(shop):
    trained = shop.alsolike("train", "--reason", "the first")

    champion = shop.champion()
    assert (trained["decision"], champion.version) == ("promoted", trained["version"])
    assert shop.manifest(champion.version)["algorithm"] == "patient"


def test_interrupted_job_is_resumed_and_builds_the_same_model(shop):
    champion = shop.champion()
    assert champion is not None

    execution = shop.start({"trigger": "schedule"})
    run_id = shop.run_id(execution)
    eventually(lambda: shop.keys(f"training/{run_id}/checkpoints/patient-"))
    shop.cloud.interrupt_training(f"alsolike-demo-{run_id}")

    assert shop.ended(execution)["status"] == "SUCCEEDED"
    job = shop.sagemaker.describe_training_job(TrainingJobName=f"alsolike-demo-{run_id}")
    phases = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert phases.count("Interrupted") == 1
    assert phases[-1] == "Completed"
    assert any("patient goes on from step" in line for line in log(shop, run_id))
    assert shop.manifest(run_id)["files"] == shop.manifest(champion.version)["files"]


@pytest.mark.usefixtures("unchanged")
def test_killed_dataset_build_fails_the_run(shop):
    shop.notifications(within_s=10)
    execution = shop.start()

    def killed():
        kill(shop, "BuildDataset")
        return str(shop.stepfunctions.describe_execution(executionArn=execution)["status"])

    assert eventually(killed, holds=lambda status: status != "RUNNING") == "FAILED"
    assert shop.states(execution)[-3:] == ["BuildDatasetFailed", "NotifyFailure", "Failed"]
    (message,) = shop.notifications()
    assert message["failure"]["state"] == "BuildDataset"
    assert message["failure"]["run_id"] == shop.run_id(execution)
    assert "Runtime.ExitError" in message["failure"]["error"] + message["failure"]["cause"]
    assert (message["event"], message["more"]) == ("training failed", "alsolike status --env demo")
    assert message["execution"] == execution


@pytest.mark.usefixtures("unchanged")
def test_incomplete_bundle_is_not_registered(shop):
    shop.notifications(within_s=10)
    register = function_of(shop, "RegisterModel")
    functions = shop.cloud.client("lambda")
    # A throttled function makes the run wait.
    functions.put_function_concurrency(FunctionName=register, ReservedConcurrentExecutions=0)
    execution = shop.start()
    run_id = shop.run_id(execution)
    key = f"training/alsolike-demo-{run_id}/output/model.tar.gz"
    eventually(lambda: "RegisterModel" in shop.states(execution))
    archive = shop.s3.get_object(Bucket=shop.bucket, Key=key)["Body"].read()
    shop.s3.put_object(Bucket=shop.bucket, Key=key, Body=archive[: len(archive) // 2])
    functions.delete_function_concurrency(FunctionName=register)

    assert shop.ended(execution)["status"] == "FAILED"
    (message,) = shop.notifications()
    assert message["failure"]["state"] == "RegisterModel"
    assert message["failure"]["error"] == "InvalidBundle"
    assert "model.tar.gz" in message["failure"]["cause"]
    assert f"models/{run_id}/manifest.json" not in shop.keys(f"models/{run_id}/")


@pytest.mark.usefixtures("unchanged")
def test_run_during_another_run_does_nothing_and_raises_no_alarm(shop):
    first = shop.start()
    eventually(lambda: shop.keys(f"datasets/{shop.run_id(first)}/"))

    output = shop.alsolike("train", exit_code=1)

    assert f"run {shop.run_id(first)} is active as execution {first}" in output
    shop.stepfunctions.stop_execution(executionArn=first)
    shop.sagemaker.stop_training_job(TrainingJobName=f"alsolike-demo-{shop.run_id(first)}")


@pytest.mark.usefixtures("unchanged")
def test_crashed_algorithm_fails_the_run_with_its_message(shop, tmp_path):
    """The stopped run of the preceding test still holds the lock, and this run acquires the lock."""
    day = int(time.time()) - SECONDS_PER_DAY
    rows = [f"user-{user},other-{item},{day + item},purchase" for user in range(18) for item in range(11)]
    (tmp_path / "more.csv").write_text("\n".join(["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *rows]) + "\n")
    shop.alsolike("import", "interactions", tmp_path / "more.csv")

    output = shop.alsolike("train", exit_code=1)

    reason = "AlgorithmError: RuntimeError: 41 items are too many for a patient shop"
    assert "Train > TrainFailed > NotifyFailure > Failed: Train: States.TaskFailed" in output
    assert reason in output
    (message,) = shop.notifications()
    assert message["failure"]["state"] == "Train"
    assert reason in message["failure"]["cause"]


@pytest.mark.usefixtures("unchanged")
def test_unreadable_input_fails_the_run_with_field_and_value(shop):
    execution = shop.start({"trigger": "moon"})

    assert shop.ended(execution)["status"] == "FAILED"
    (message,) = shop.notifications()
    assert (message["failure"]["state"], message["failure"]["error"]) == ("StartTraining", "InvalidInput")
    assert "trigger is 'moon', expected one of schedule, new-data, drift, by-hand" in message["failure"]["cause"]


def log(shop, run_id):
    shop.cloud.flush()
    logs = shop.cloud.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", limit=10_000)["events"]
    return [event["message"] for event in found if event["logStreamName"].startswith(f"alsolike-demo-{run_id}/")]


def test_input_that_is_no_object_fails_the_run_with_a_notification(shop):
    shop.notifications(within_s=10)

    assert shop.ended(shop.start([1]))["status"] == "FAILED"

    (message,) = shop.notifications()
    assert message["failure"]["state"] == "StartTraining"
    assert "the input is a list, expected an object" in message["failure"]["cause"]


def function_of(shop, part):
    names = [each["FunctionName"] for each in shop.cloud.client("lambda").list_functions()["Functions"]]
    (found,) = [name for name in names if part in name]
    return str(found)

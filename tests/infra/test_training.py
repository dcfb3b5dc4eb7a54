import json
from typing import Any

import pytest

from tests.infra.assembly import Assembly, flat

States = dict[str, dict[str, Any]]
TASKS = ("StartTraining", "BuildDataset", "Train", "RegisterModel", "StartCanary", "LookAtCanary")


def test_steps_follow_each_other(workflow: States) -> None:
    nexts = ["First", "Train", "RegisterModel", "Decision", "StateOfCanary", "StateOfCanary"]
    assert [workflow[name]["Next"] for name in TASKS] == nexts
    assert (workflow["First"]["Choices"][0]["Next"], workflow["First"]["Default"]) == ("StartCanary", "BuildDataset")
    assert workflow["Decision"]["Choices"] == [
        {"Variable": "$.registration.verdict", "StringEquals": "approved", "Next": "StartCanary"}
    ]
    assert workflow["Decision"]["Default"] == "NotifyRejection"
    assert {choice["StringEquals"]: choice["Next"] for choice in workflow["StateOfCanary"]["Choices"]} == {
        "promoted": "Promoted",
        "going": "WaitForAnswers",
    }
    assert workflow["StateOfCanary"]["Default"] == "NotifyRollback"
    assert workflow["WaitForAnswers"]["Next"] == "LookAtCanary"
    assert workflow["NotifyRejection"]["Next"] == "Rejected"
    assert workflow["Promoted"]["Type"] == workflow["Rejected"]["Type"] == "Succeed"


@pytest.mark.parametrize("name", TASKS)
def test_whatever_fails_is_told_to_people_with_its_cause(workflow: States, name: str) -> None:
    assert workflow[name]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "NotifyFailure"}
    ]
    notification = workflow["NotifyFailure"]["Parameters"]
    assert "Alerts" in notification["TopicArn"]
    assert notification["Message"]["error.$"] == "$.error"
    assert workflow["NotifyFailure"]["Next"] == "Failed"
    assert workflow["Failed"] == {"Type": "Fail", "Error": "TrainingFailed", "CausePath": "$.error.Cause"}


@pytest.mark.parametrize("name", [*TASKS, "NotifyFailure", "NotifyRejection"])
def test_every_task_has_a_time_limit_and_retries(workflow: States, name: str) -> None:
    assert workflow[name]["TimeoutSeconds"] > 0
    assert workflow[name]["Retry"]


def test_run_as_a_whole_outlasts_its_slowest_steps_which_are_caught(assembly: Assembly) -> None:
    machine = assembly.state_machine("training")
    definition = json.loads(flat(machine.properties["DefinitionString"]))

    def longest_s(state: dict[str, Any]) -> float:
        (retry,) = state["Retry"]
        pauses = [retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])]
        return float((retry["MaxAttempts"] + 1) * state["TimeoutSeconds"] + sum(pauses))

    steps = [definition["States"][name] for name in (*TASKS, "NotifyRejection")]
    assert definition["TimeoutSeconds"] >= sum(map(longest_s, steps))
    assert definition["States"]["NotifyFailure"]["TimeoutSeconds"] <= steps[-1]["TimeoutSeconds"]


def test_failed_training_is_not_repeated_under_its_own_name(workflow: States) -> None:
    (retry,) = workflow["Train"]["Retry"]

    assert "States.ALL" not in retry["ErrorEquals"]
    assert "States.TaskFailed" not in retry["ErrorEquals"]


def test_messages_do_not_replace_the_state_of_the_run(workflow: States) -> None:
    assert workflow["NotifyFailure"]["ResultPath"] is None
    assert workflow["NotifyRejection"]["ResultPath"] is None


def test_functions_get_the_payloads_of_their_contracts(workflow: States) -> None:
    assert workflow["StartTraining"]["Parameters"]["Payload"] == {
        "execution_id.$": "$$.Execution.Id",
        "started_at.$": "$$.Execution.StartTime",
        "input.$": "$$.Execution.Input",
    }
    assert workflow["BuildDataset"]["Parameters"]["Payload"] == {
        "run_id.$": "$.start.run_id",
        "started_ms.$": "$.start.started_ms",
    }
    assert workflow["LookAtCanary"]["Parameters"]["Payload"] == {
        "action": "look",
        "version.$": "$.start.version",
        "run_id.$": "$.start.run_id",
    }
    assert workflow["RegisterModel"]["Parameters"]["Payload"] == {
        "run_id.$": "$.start.run_id",
        "model_data_s3_uri.$": "$.training.model_data_s3_uri",
        "training_job_name.$": "$.training.job_name",
    }


def test_answers_are_kept_side_by_side(workflow: States) -> None:
    assert [workflow[name]["ResultPath"] for name in TASKS] == [
        "$.start",
        "$.dataset",
        "$.training",
        "$.registration",
        "$.canary",
        "$.canary",
    ]
    assert workflow["BuildDataset"]["ResultSelector"]["run_id.$"] == "$.Payload.run_id"
    assert workflow["RegisterModel"]["ResultSelector"]["verdict.$"] == "$.Payload.verdict"
    assert workflow["Train"]["ResultSelector"]["model_data_s3_uri.$"] == "$.ModelArtifacts.S3ModelArtifacts"


def test_job_is_started_and_waited_for_with_its_inputs_and_output(workflow: States) -> None:
    train = workflow["Train"]
    parameters = train["Parameters"]

    assert train["Resource"] == "arn:AWS::Partition:states:::sagemaker:createTrainingJob.sync"
    assert parameters["TrainingJobName.$"] == "States.Format('alsolike-{}', $.start.run_id)"
    assert parameters["HyperParameters"] == {"run_id.$": "$.start.run_id"}
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"] for channel in parameters["InputDataConfig"]
    }
    assert channels["dataset"]["S3Uri.$"] == "$.dataset.dataset_s3_uri"
    assert channels["code"]["S3Uri"].endswith(".zip")
    assert parameters["OutputDataConfig"]["S3OutputPath"].endswith("/training/")
    assert parameters["StoppingCondition"]["MaxRuntimeInSeconds"] < train["TimeoutSeconds"]


def test_container_is_awss_own_and_starts_our_script(workflow: States) -> None:
    algorithm = workflow["Train"]["Parameters"]["AlgorithmSpecification"]

    assert algorithm["TrainingImage"] == (
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9.0-cpu-py312-ubuntu22.04-sagemaker"
    )
    entrypoint = algorithm["ContainerEntrypoint"]
    assert entrypoint[:2] == ["sh", "-c"]
    assert entrypoint[2].endswith("exec sh /opt/ml/code/model_export/entrypoint.sh")
    # CreateTrainingJob takes arguments of at most 256 characters that match `.*`: no line break.
    assert all(len(argument) <= 256 and "\n" not in argument for argument in entrypoint)


def test_figures_are_read_from_the_jobs_log(workflow: States) -> None:
    definitions = workflow["Train"]["Parameters"]["AlgorithmSpecification"]["MetricDefinitions"]

    assert {d["Name"]: d["Regex"] for d in definitions} == {
        "ndcg@10": "ndcg_at_10=([0-9.]+)",
        "hr@10": "hr_at_10=([0-9.]+)",
    }


def test_code_of_the_job_is_the_training_code_with_the_shared_vocabulary(demo: Assembly, workflow: States) -> None:
    channels = workflow["Train"]["Parameters"]["InputDataConfig"]
    (uri,) = [c["DataSource"]["S3DataSource"]["S3Uri"] for c in channels if c["ChannelName"] == "code"]

    code = demo.directory / f"asset.{uri.rsplit('/', 1)[1].removesuffix('.zip')}"

    assert sorted(path.name for path in code.iterdir()) == ["layers", "model_export"]
    assert (code / "model_export" / "entrypoint.sh").is_file()
    assert (code / "model_export" / "train.py").is_file()
    assert (code / "layers" / "core" / "python" / "alsolike" / "bundle.py").is_file()
    assert [path.name for path in (code / "layers").iterdir()] == ["core"]


def test_every_run_is_logged_and_traced(demo: Assembly) -> None:
    properties = demo.state_machine("training").properties

    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is True
    assert properties["TracingConfiguration"] == {"Enabled": True}


def test_training_starts_on_schedule(demo: Assembly, prod: Assembly) -> None:
    rule = schedule(demo)

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(7 days)", "ENABLED")
    assert schedule(prod)["ScheduleExpression"] == "rate(1 day)"
    (target,) = rule["Targets"]
    assert flat(target["Arn"]) == demo.state_machine("training").logical_id


def schedule(assembly: Assembly) -> dict[str, Any]:
    (rule,) = [r.properties for r in assembly.of_type("AWS::Events::Rule") if r.stack.endswith("-training")]
    return rule

import fnmatch
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from infra_cdk.constructs.python_layers import MissingLayer
from infra_cdk.constructs.training_job import TrainingJob
from infra_cdk.settings import Settings
from tests.infra.assembly import flat, granted

States = dict[str, dict[str, Any]]
TASKS = ("StartTraining", "BuildDataset", "Train", "RegisterModel", "StartCanary", "LookAtCanary")
EVERY_TASK = (*TASKS, "TrainOnDemand", "EndCanary")


def test_workflow_states_follow_each_other(workflow):
    nexts = ["First", "Train", "RegisterModel", "Decision", "StateOfCanary", "StateOfCanary"]
    assert [workflow[name]["Next"] for name in TASKS] == nexts
    assert {choice["StringEquals"]: choice["Next"] for choice in workflow["First"]["Choices"]} == {
        "busy": "Busy",
        "canary": "StartCanary",
        "spark": "BuildDatasetOnSpark",
    }
    assert workflow["First"]["Default"] == "BuildDataset"
    assert workflow["Busy"]["Type"] == "Succeed"
    assert {choice["StringEquals"]: choice["Next"] for choice in workflow["Decision"]["Choices"]} == {
        "approved": "StartCanary",
        "waiting": "NotifyWaiting",
    }
    assert workflow["Decision"]["Default"] == "NotifyRejection"
    assert {choice["StringEquals"]: choice["Next"] for choice in workflow["StateOfCanary"]["Choices"]} == {
        "promoted": "Promoted",
        "going": "WaitForAnswers",
    }
    assert workflow["StateOfCanary"]["Default"] == "NotifyRollback"
    assert workflow["WaitForAnswers"]["Next"] == "LookAtCanary"
    assert (workflow["NotifyRejection"]["Next"], workflow["NotifyWaiting"]["Next"]) == ("Rejected", "Waiting")
    assert {workflow[name]["Type"] for name in ("Promoted", "Rejected", "Waiting")} == {"Succeed"}


@pytest.mark.parametrize("name", EVERY_TASK)
def test_failure_sends_a_notification_with_state_run_and_cause(workflow, name):
    # An input that is not an object cannot contain an error.
    path = "$" if name == "StartTraining" else "$.error"
    assert workflow[name]["Catch"][-1] == {
        "ErrorEquals": ["States.ALL"], "ResultPath": path, "Next": f"{name}Failed",
    }  # fmt: skip
    noted = workflow[f"{name}Failed"]
    assert noted["ResultPath"] == "$.failure"
    failure = {"state": name, "error.$": f"{path}.Error", "cause.$": f"{path}.Cause"}
    run = {"run_id": ""} if name == "StartTraining" else {"run_id.$": "$.start.run_id"}
    first = {"after.$": "$.failure"} if name == "EndCanary" else {}
    assert noted["Parameters"] == {**failure, **run, **first}
    assert noted["Next"] == ("EndCanary" if name in ("StartCanary", "LookAtCanary") else "NotifyFailure")
    notification = workflow["NotifyFailure"]["Parameters"]
    assert "Alerts" in notification["TopicArn"]
    assert notification["Message"]["failure.$"] == "$.failure"
    assert notification["Message"]["more"] == "alsolike status --env demo"
    assert workflow["NotifyFailure"]["Next"] == "Failed"
    assert workflow["NotifyFailure"]["Catch"][0]["Next"] == "Failed"
    assert workflow["Failed"]["CausePath"] == "$.failure.cause"


def test_failed_canary_check_ends_the_canary(workflow):
    payload = workflow["EndCanary"]["Parameters"]["Payload"]

    assert payload == {
        "action": "end",
        "version.$": "$.start.version",
        "run_id.$": "$.start.run_id",
        "reason.$": "$.start.reason",
    }
    assert workflow["EndCanary"]["Next"] == "NotifyFailure"


@pytest.mark.parametrize("name", [*EVERY_TASK, "NotifyFailure", "NotifyRejection", "NotifyWaiting", "NotifyRollback"])
def test_every_task_has_a_timeout_and_retries(workflow, name):
    assert workflow[name]["TimeoutSeconds"] > 0
    assert workflow[name]["Retry"]


def test_workflow_timeout_covers_its_slowest_steps(assembly):
    machine = assembly.state_machine("training")
    definition = json.loads(flat(machine.properties["DefinitionString"]))

    def longest_s(state):
        (retry,) = state["Retry"]
        pauses = [retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])]
        return float((retry["MaxAttempts"] + 1) * state["TimeoutSeconds"] + sum(pauses))

    steps = [definition["States"][name] for name in (*EVERY_TASK, "NotifyRejection")]
    (interval_s,) = [state["Seconds"] for state in definition["States"].values() if state["Type"] == "Wait"]
    trial_s = 2 * 86_400
    assert interval_s == 300
    assert definition["TimeoutSeconds"] >= sum(map(longest_s, steps)) + trial_s
    assert definition["States"]["NotifyFailure"]["TimeoutSeconds"] <= steps[-1]["TimeoutSeconds"]


@pytest.mark.parametrize("name", [task for task in EVERY_TASK if not task.startswith("Train")])
def test_functions_are_retried_after_transient_errors(workflow, name):
    (retry,) = workflow[name]["Retry"]

    assert {"Lambda.TooManyRequestsException", "Unavailable", "ConcurrentUpdate"} <= set(retry["ErrorEquals"])
    assert "States.ALL" not in retry["ErrorEquals"]


def test_failed_training_is_not_repeated_under_its_own_name(workflow):
    (retry,) = workflow["Train"]["Retry"]

    assert "States.ALL" not in retry["ErrorEquals"]
    assert "States.TaskFailed" not in retry["ErrorEquals"]


def test_notifications_do_not_replace_the_state_of_the_run(workflow):
    assert workflow["NotifyFailure"]["ResultPath"] is None
    assert workflow["NotifyRejection"]["ResultPath"] is None


def test_functions_get_the_payloads_of_their_contracts(workflow):
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
        "reason.$": "$.start.reason",
    }
    assert workflow["RegisterModel"]["Parameters"]["Payload"] == {
        "run_id.$": "$.start.run_id",
        "model_data_s3_uri.$": "$.training.model_data_s3_uri",
        "training_job_name.$": "$.training.job_name",
    }


def test_results_of_states_have_separate_paths(workflow):
    assert [workflow[name]["ResultPath"] for name in TASKS] == [
        "$.start",
        "$.dataset",
        "$.training",
        "$.registration",
        "$.canary",
        "$.canary",
    ]
    assert workflow["BuildDataset"]["ResultSelector"] == {
        "run_id.$": "$.Payload.run_id",
        "dataset_s3_uri.$": "$.Payload.dataset_s3_uri",
    }
    assert workflow["RegisterModel"]["ResultSelector"]["verdict.$"] == "$.Payload.verdict"
    assert workflow["Train"]["ResultSelector"]["model_data_s3_uri.$"] == "$.ModelArtifacts.S3ModelArtifacts"


def test_fit_budget_is_half_of_the_job_runtime_by_default(prod):
    definition = json.loads(flat(prod.state_machine("training").properties["DefinitionString"]))
    parameters = definition["States"]["Train"]["Parameters"]

    assert parameters["StoppingCondition"]["MaxRuntimeInSeconds"] == 14_400
    assert parameters["HyperParameters"]["budget_s"] == "7200"


def test_job_is_started_synchronously_with_inputs_and_output(workflow):
    train = workflow["Train"]
    parameters = train["Parameters"]

    assert train["Resource"] == "arn:AWS::Partition:states:::sagemaker:createTrainingJob.sync"
    assert parameters["TrainingJobName.$"] == "States.Format('alsolike-demo-{}', $.start.run_id)"
    assert parameters["HyperParameters"] == {"run_id.$": "$.start.run_id", "budget_s": "1200"}
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"] for channel in parameters["InputDataConfig"]
    }
    assert channels["dataset"]["S3Uri.$"] == "$.dataset.dataset_s3_uri"
    assert channels["code"]["S3Uri"].endswith(".zip")
    assert parameters["OutputDataConfig"]["S3OutputPath"].endswith("/training/")
    assert set(channels) == {"dataset", "code"}


def test_job_trains_on_spot_instances_with_checkpoints(workflow):
    train = workflow["Train"]
    parameters = train["Parameters"]

    assert parameters["EnableManagedSpotTraining"] is True
    assert parameters["StoppingCondition"] == {"MaxRuntimeInSeconds": 14_400, "MaxWaitTimeInSeconds": 28_800}
    assert parameters["StoppingCondition"]["MaxWaitTimeInSeconds"] < train["TimeoutSeconds"]
    checkpoints = parameters["CheckpointConfig"]["S3Uri.$"]
    assert checkpoints.startswith("States.Format('s3://{}/training/{}/checkpoints/', '")
    assert checkpoints.endswith("', $.start.run_id)")


def test_training_falls_back_to_on_demand_without_a_spot_quota(workflow):
    spot, on_demand = workflow["Train"], workflow["TrainOnDemand"]

    refused, failed = spot["Catch"]
    assert (refused["Next"], failed["Next"]) == ("TrainOnDemand", "TrainFailed")
    assert "SageMaker.ResourceLimitExceededException" in refused["ErrorEquals"]
    assert "States.TaskFailed" not in refused["ErrorEquals"]  # A job that failed while running would fail again.
    assert on_demand["Parameters"] == {
        **spot["Parameters"],
        "EnableManagedSpotTraining": False,
        "StoppingCondition": {"MaxRuntimeInSeconds": 14_400},
    }
    assert (on_demand["ResultPath"], on_demand["Next"]) == ("$.training", "RegisterModel")


def test_workflow_has_the_permissions_to_wait_for_a_training_job(demo):
    machine = demo.state_machine("training")
    role = demo.referred(machine.properties["RoleArn"], stack=machine.stack)

    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    expected = {
        f"sagemaker:{name}" for name in ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "ListTags")
    }
    expected |= {"iam:PassRole", *(f"events:{name}" for name in ("PutTargets", "PutRule", "DescribeRule"))}
    assert expected <= {action for action, _ in granted(role)}


def test_model_packages_are_retained_like_stored_data(demo, prod):
    def policies(assembly):
        attributes = assembly.only("AWS::SageMaker::ModelPackageGroup").attributes
        return attributes["DeletionPolicy"], attributes["UpdateReplacePolicy"]

    assert (policies(demo), policies(prod)) == (("Delete", "Delete"), ("RetainExceptOnCreate", "Retain"))


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("alsolike-demo-20260301t040506-8cb309", True),
        ("alsolike-prod-20260301t040506-8cb309", False),
        ("alsolike-demo-2-20260301t040506-8cb309", False),
        # The environment has the longest permitted name.
        ("alsolike-demo-20260301t04-20260301t040506-8cb309", False),
        ("alsolike-20260301t040506-8cb309", False),
    ],
)
def test_workflow_may_stop_only_training_jobs_of_its_environment(demo, name, is_own):
    machine = demo.state_machine("training")
    role = demo.referred(machine.properties["RoleArn"], stack=machine.stack)
    (jobs,) = [arn for action, arn in granted(role) if action == "sagemaker:StopTrainingJob"]

    # Wildcards of IAM ARNs are those of file names.
    assert fnmatch.fnmatchcase(name, jobs.rpartition("/")[2]) is is_own


def test_on_demand_training_has_no_fallback_state(other):
    states = json.loads(flat(other.state_machine("training").properties["DefinitionString"]))["States"]

    assert "TrainOnDemand" not in states
    assert states["Train"]["Parameters"]["EnableManagedSpotTraining"] is False


def test_training_container_is_that_of_aws_with_the_project_script(workflow):
    algorithm = workflow["Train"]["Parameters"]["AlgorithmSpecification"]

    assert algorithm["TrainingImage"] == (
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9.0-cpu-py312-ubuntu22.04-sagemaker"
    )
    entrypoint = algorithm["ContainerEntrypoint"]
    assert entrypoint[:2] == ["sh", "-c"]
    assert entrypoint[2].endswith("exec sh /opt/ml/code/model_export/entrypoint.sh")
    # CreateTrainingJob accepts arguments of at most 256 characters without line breaks.
    assert all(len(argument) <= 256 and "\n" not in argument for argument in entrypoint)


def test_metrics_are_parsed_from_the_job_log(workflow):
    definitions = workflow["Train"]["Parameters"]["AlgorithmSpecification"]["MetricDefinitions"]

    assert {d["Name"]: d["Regex"] for d in definitions} == {
        "ndcg@10": "ndcg_at_10=([0-9.]+)",
        "hr@10": "hr_at_10=([0-9.]+)",
    }


def test_job_code_is_the_training_code_with_the_core(demo, workflow):
    channels = workflow["Train"]["Parameters"]["InputDataConfig"]
    (uri,) = [c["DataSource"]["S3DataSource"]["S3Uri"] for c in channels if c["ChannelName"] == "code"]

    code = demo.directory / f"asset.{uri.rsplit('/', 1)[1].removesuffix('.zip')}"

    assert sorted(path.name for path in code.iterdir()) == ["layers", "model_export"]
    assert (code / "model_export" / "entrypoint.sh").is_file()
    assert (code / "model_export" / "job" / "train.py").is_file()
    assert (code / "layers" / "core" / "python" / "alsolike" / "bundle" / "bundle.py").is_file()
    assert [path.name for path in (code / "layers").iterdir()] == ["core"]


def test_every_run_is_logged(demo):
    properties = demo.state_machine("training").properties

    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is True


def test_training_runs_on_schedule(demo, prod):
    rule = schedule(demo)

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(7 days)", "ENABLED")
    assert rule["Targets"][0]["Input"] == '{"trigger":"schedule"}'
    assert schedule(prod)["ScheduleExpression"] == "rate(1 day)"
    (target,) = rule["Targets"]
    assert flat(target["Arn"]) == demo.state_machine("training").logical_id


def schedule(assembly):
    rules = [r.properties for r in assembly.of_type("AWS::Events::Rule") if r.stack.endswith("-training")]
    (rule,) = [rule for rule in rules if "StateMachine" in str(rule["Targets"])]
    return rule


def request_of(stack, name, settings, *, layers=Path("nowhere")):
    artefacts = s3.Bucket(stack, f"{name}Bucket")
    job = TrainingJob(stack, name, settings=settings, encryption=None, artefacts=artefacts, layers=layers)
    return job.request(run_id="$.run", dataset_s3_uri="$.dataset", spot=True)


def test_job_without_a_network_gets_its_packages_in_a_channel(tmp_path):
    stack = cdk.Stack(cdk.App(), "Stack")
    settings = Settings(name="x", region="eu-west-1", training_network=False)
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own:1"
    own_image = Settings(name="x", region="eu-west-1", training_network=False, training_image=image)

    with pytest.raises(MissingLayer, match=r"build it with: python -m layers\.build training"):
        request_of(stack, "Unbuilt", settings, layers=tmp_path)
    (tmp_path / "training-x86_64/python/numpy").mkdir(parents=True)
    isolated = request_of(stack, "Isolated", settings, layers=tmp_path)
    of_image = request_of(stack, "OfImage", own_image, layers=tmp_path)
    usual = request_of(stack, "Usual", Settings(name="x", region="eu-west-1"), layers=tmp_path)

    requests = (isolated, of_image, usual)
    assert [each.get("EnableNetworkIsolation") for each in requests] == [True, True, None]
    channels = [[channel["ChannelName"] for channel in each["InputDataConfig"]] for each in requests]
    assert channels == [["dataset", "code", "packages"], ["dataset", "code"], ["dataset", "code"]]


def test_job_hosts_and_processes_follow_the_settings():
    app = cdk.App()
    stack = cdk.Stack(app, "Stack")
    several = Settings(name="x", region="eu-west-1", training_instances=3, training_processes=4)
    one = Settings(name="x", region="eu-west-1")

    requests = [request_of(stack, f"Job{number}", settings) for number, settings in enumerate((several, one))]

    assert [each["ResourceConfig"]["InstanceCount"] for each in requests] == [3, 1]
    assert [each["HyperParameters"].get("processes") for each in requests] == ["4", None]
    assert [each.get("EnableInterContainerTrafficEncryption") for each in requests] == [True, None]

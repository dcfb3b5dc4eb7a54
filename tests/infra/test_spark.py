"""Glue job that builds datasets, and the state that runs it."""

import json
from types import SimpleNamespace
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra_cdk.constructs import spark_job
from infra_cdk.constructs.python_layers import MissingLayer
from infra_cdk.constructs.spark_job import SparkJob
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from layers.glue import ARCHIVE
from tests.infra.assembly import flat, granted, statements

States = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def job(demo):
    return demo.only("AWS::Glue::Job")


@pytest.fixture(scope="module")
def role(demo, job):
    return demo.referred(job.properties["Role"], stack=job.stack)


def asset(demo, uri):
    """Return the staged file or folder of an S3 URI."""
    name = flat(uri).rpartition("/")[2]
    stem, suffix = name.rpartition(".")[::2]
    folder = demo.directory / f"asset.{stem}"
    return folder if suffix == "zip" else folder.with_name(f"asset.{name}")


def test_job_is_glue_5_with_the_configured_workers(job):
    properties = job.properties
    assert properties["Name"] == "alsolike-demo-build-dataset"
    assert (properties["GlueVersion"], properties["Command"]["Name"]) == ("5.0", "glueetl")
    assert (properties["WorkerType"], properties["NumberOfWorkers"], properties["Timeout"]) == ("G.1X", 10, 480)
    assert properties["ExecutionClass"] == "FLEX"
    assert (properties["MaxRetries"], properties["ExecutionProperty"]) == (0, {"MaxConcurrentRuns": 1})


def test_workers_and_timeout_follow_the_settings(other):
    properties = other.only("AWS::Glue::Job").properties

    assert (properties["WorkerType"], properties["NumberOfWorkers"], properties["Timeout"]) == ("G.2X", 40, 90)
    arguments = properties["DefaultArguments"]
    assert (arguments["--statistics"], arguments["--sample_interactions"]) == ("true", "2000000")
    states = json.loads(flat(other.state_machine("training").properties["DefinitionString"]))["States"]
    assert states["BuildDatasetOnSpark"]["TimeoutSeconds"] == 90 * 60 + 900


def test_script_code_and_packages_come_from_this_repository(demo, job):
    arguments = job.properties["DefaultArguments"]
    shared, code = flat(arguments["--extra-py-files"]).split(",")

    assert "def main" in asset(demo, job.properties["Command"]["ScriptLocation"]).read_text()
    assert (asset(demo, shared) / "alsolike" / "lake" / "lake.py").is_file()
    assert [path.name for path in sorted((asset(demo, code) / "functions").iterdir())] == [
        "__init__.py",
        "build_dataset",
    ]
    packages = asset(demo, arguments["--additional-python-modules"]).read_text()
    assert "orjson==" in packages
    assert "--hash=sha256:" in packages
    assert arguments["--python-modules-installer-option"] == "-r"


def test_job_without_a_package_index_gets_an_archive_of_wheels(tmp_path):
    app = cdk.App(outdir=str(tmp_path / "assembly"))
    stack = cdk.Stack(app, "Stack")
    settings = Settings(name="demo", region="eu-west-1", training_network=False)
    data = cast(
        StoredData,
        SimpleNamespace(
            lake=s3.Bucket(stack, "Lake"),
            artefacts=s3.Bucket(stack, "Artefacts"),
            catalogue=dynamodb.TableV2.from_table_name(stack, "Catalogue", "catalogue"),
            users=dynamodb.TableV2.from_table_name(stack, "Users", "users"),
            hash_key=secretsmanager.Secret(stack, "HashKey"),
            encryption=None,
        ),
    )
    with pytest.raises(MissingLayer, match=r"build it with: python -m layers\.build training"):
        SparkJob(stack, "Unbuilt", settings=settings, data=data, layers=tmp_path)
    stack.node.try_remove_child("Unbuilt")
    (tmp_path / ARCHIVE).write_bytes(b"wheels")

    SparkJob(stack, "Spark", settings=settings, data=data, layers=tmp_path)

    template = app.synth().get_stack_by_name("Stack").template
    (job,) = (each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Glue::Job")
    arguments = job["DefaultArguments"]
    name = flat(arguments["--additional-python-modules"]).rpartition("/")[2]
    assert name.endswith(".gluewheels.zip")
    assert arguments["--python-modules-installer-option"] == "--no-index"
    (role,) = (each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role")
    reads = [
        flat(resource)
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "s3:GetObject"
        for resource in statement["Resource"]
    ]
    assert sum(resource.endswith(f"/{name}") for resource in reads) == 1
    files = json.loads((tmp_path / "assembly/Stack.assets.json").read_text())["files"].values()
    (wheels,) = (each for each in files for place in each["destinations"].values() if place["objectKey"] == name)
    assert (tmp_path / "assembly" / wheels["source"]["path"]).read_bytes() == b"wheels"


def test_job_arguments_have_all_locations(demo, job):
    arguments = job.properties["DefaultArguments"]

    assert flat(arguments["--lake_s3_uri"]).startswith("s3://")
    assert flat(arguments["--lake_s3_uri"]).endswith("/interactions/")
    assert "Lake" in flat(arguments["--lake_s3_uri"])
    assert "Catalogue" in flat(arguments["--catalogue_table"])
    assert "Users" in flat(arguments["--users_table"])
    assert "HashKey" in flat(arguments["--secret_arn"])
    assert arguments["--region"] == "us-east-1"
    assert (arguments["--statistics"], arguments["--sample_interactions"]) == ("false", "5000000")


def log_key(assembly):
    (key,) = [each for each in assembly.of_type("AWS::KMS::Key") if "Glue job" in each.properties["Description"]]
    return key


def test_logs_are_encrypted_with_a_rotated_key(demo, job):
    configuration = demo.referred({"Ref": job.properties["SecurityConfiguration"]["Ref"]}, stack=job.stack)
    encryption = configuration.properties["EncryptionConfiguration"]
    key = log_key(demo)

    assert encryption["CloudWatchEncryption"]["CloudWatchEncryptionMode"] == "SSE-KMS"
    assert encryption["CloudWatchEncryption"]["KmsKeyArn"]["Fn::GetAtt"][0] == key.logical_id
    assert encryption["JobBookmarksEncryption"]["JobBookmarksEncryptionMode"] == "CSE-KMS"
    assert key.properties["EnableKeyRotation"] is True
    (logs,) = [s for s in key.properties["KeyPolicy"]["Statement"] if "logs." in str(s["Principal"])]
    assert ":log-group:/aws-glue/jobs/*" in flat(logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])


def test_changed_encryption_has_a_new_configuration_name(demo):
    name = demo.only("AWS::Glue::SecurityConfiguration").properties["Name"]

    assert name == f"alsolike-demo-build-dataset-{spark_job.digest(spark_job.MODES)}"
    assert spark_job.digest({**spark_job.MODES, "objects": "SSE-KMS"}) != spark_job.digest(spark_job.MODES)


def test_production_retains_the_key_of_the_logs(demo, prod):
    policies = [log_key(each).attributes["DeletionPolicy"] for each in (demo, prod)]

    assert policies == ["Delete", "RetainExceptOnCreate"]


def test_job_has_exactly_the_permissions_it_needs(demo, role):
    assert granted(role) == {
        ("s3:GetObject", "Artefacts/config/current.json"),
        ("s3:GetObject", "Artefacts/catalog/actions.json"),
        ("s3:GetObject", "Artefacts/privacy/tombstones.json"),
        ("s3:GetObject", "Artefacts/privacy/receipts/*"),
        ("s3:ListBucket", "Artefacts"),
        ("secretsmanager:GetSecretValue", "HashKey"),
        ("s3:ListBucket", "Lake"),
        ("s3:GetObject", "Lake/interactions/*"),
        ("s3:GetObject", "Lake/served/*"),
        *(
            (f"s3:{action}", "Artefacts/datasets/*")
            for action in ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
        ),
        ("s3:PutObject", "Artefacts/datasets_$folder$"),  # Hadoop writes this marker of the folder.
        ("dynamodb:Scan", "Catalogue"),
        ("dynamodb:Scan", "Users"),
        ("s3:GetObject", "Code"),
        *(
            (f"logs:{action}", "arn:aws:logs:us-east-1:AWS::AccountId:log-group:/aws-glue/jobs/*")
            for action in ("AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "PutLogEvents")
        ),
    }  # fmt: skip
    principal = role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert principal == {"Service": "glue.amazonaws.com"}


def test_engine_selects_the_state_that_builds_the_dataset(workflow):
    (choice,) = [c for c in workflow["First"]["Choices"] if c["Variable"] == "$.start.engine"]

    assert (choice["StringEquals"], choice["Next"]) == ("spark", "BuildDatasetOnSpark")
    assert workflow["First"]["Default"] == "BuildDataset"
    assert workflow["BuildDatasetOnSpark"]["Next"] == "DatasetOfSpark"
    assert workflow["DatasetOfSpark"]["Next"] == workflow["BuildDataset"]["Next"] == "Train"


def test_spark_state_waits_for_the_job_and_returns_the_dataset(workflow):
    state, built = workflow["BuildDatasetOnSpark"], workflow["DatasetOfSpark"]

    assert state["Resource"].endswith(":states:::glue:startJobRun.sync")
    assert state["Parameters"] == {
        "JobName": "alsolike-demo-build-dataset",
        "Arguments": {
            "--run_id.$": "$.start.run_id",
            "--started_ms.$": "States.Format('{}', $.start.started_ms)",
            "--dataset_s3_uri.$": "$.start.dataset_s3_uri",
        },
    }
    assert built["ResultPath"] == "$.dataset"
    assert built["Parameters"] == {
        "run_id.$": "$.start.run_id",
        "dataset_s3_uri.$": "$.start.dataset_s3_uri",
        "job_run_id.$": "$.dataset.job_run_id",
    }


def test_spark_state_retries_failed_starts_and_catches_other_errors(workflow):
    state = workflow["BuildDatasetOnSpark"]
    (retry,) = state["Retry"]

    assert "Glue.ConcurrentRunsExceededException" in retry["ErrorEquals"]
    assert not {"States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])
    assert retry["MaxAttempts"] == 4
    assert state["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "BuildDatasetOnSparkFailed"}
    ]
    assert state["TimeoutSeconds"] == 480 * 60 + 900


def test_workflow_may_run_only_this_job(demo):
    machine = demo.state_machine("training")
    role = demo.referred(machine.properties["RoleArn"], stack=machine.stack)
    (statement,) = [s for s in statements(role) if "glue:StartJobRun" in s["Action"]]

    assert flat(statement["Resource"]).endswith(":job/alsolike-demo-build-dataset")
    assert set(statement["Action"]) == {
        "glue:BatchStopJobRun",
        "glue:GetJobRun",
        "glue:GetJobRuns",
        "glue:StartJobRun",
    }


def test_deployment_without_spark_has_no_job_and_no_key(spare):
    for kind in ("AWS::Glue::Job", "AWS::Glue::SecurityConfiguration"):
        assert not list(spare.of_type(kind))
    assert not [key for key in spare.of_type("AWS::KMS::Key") if "Spark" in key.properties["Description"]]
    states = json.loads(flat(spare.state_machine("training").properties["DefinitionString"]))["States"]
    assert "BuildDatasetOnSpark" not in states
    assert states["First"]["Default"] == "BuildDataset"
    assert not [action for each in spare.of_type("AWS::IAM::Role") for action in glue_actions(each)]


def glue_actions(role):
    """Return the Glue job actions that a role's policies permit."""
    return [action for action in flat_actions(role) if action.startswith("glue:") and "JobRun" in action]


def flat_actions(role):
    documents = [policy["PolicyDocument"] for policy in role.properties.get("Policies", ())]
    actions = [statement["Action"] for document in documents for statement in document["Statement"]]
    return [one for each in actions for one in ([each] if isinstance(each, str) else each)]

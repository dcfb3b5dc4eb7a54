"""Glue job that builds datasets, and the state that runs it."""

import json
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra_cdk.constructs import spark_job
from infra_cdk.constructs.python_layers import MissingLayer
from infra_cdk.constructs.spark_job import SparkJob
from infra_cdk.settings import Settings
from layers.glue import ARCHIVE
from tests.infra.assembly import flat, granted, statements


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


def test_script_code_and_packages_come_from_this_repository(demo, job):
    arguments = job.properties["DefaultArguments"]
    shared, code = flat(arguments["--extra-py-files"]).split(",")

    assert "def main" in asset(demo, job.properties["Command"]["ScriptLocation"]).read_text()
    assert (asset(demo, shared) / "alsolike" / "lake" / "partitions.py").is_file()
    assert sorted(path.name for path in (asset(demo, code) / "functions").iterdir()) == ["__init__.py", "build_dataset"]
    packages = asset(demo, arguments["--additional-python-modules"]).read_text()
    assert "orjson==" in packages
    assert "--hash=sha256:" in packages
    assert arguments["--python-modules-installer-option"] == "-r"


def test_job_without_a_package_index_gets_an_archive_of_wheels(tmp_path):
    app = cdk.App(outdir=str(tmp_path / "assembly"))
    stack = cdk.Stack(app, "Stack")
    settings = Settings(name="demo", region="eu-west-1", training_network=False)
    data: Any = SimpleNamespace(
        lake=s3.Bucket(stack, "Lake"),
        artefacts=s3.Bucket(stack, "Artefacts"),
        catalogue=dynamodb.TableV2.from_table_name(stack, "Catalogue", "catalogue"),
        users=dynamodb.TableV2.from_table_name(stack, "Users", "users"),
        hash_key=secretsmanager.Secret(stack, "HashKey"),
        encryption=None,
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


def test_changed_encryption_has_a_new_configuration_name(demo):
    name = demo.only("AWS::Glue::SecurityConfiguration").properties["Name"]

    assert name == f"alsolike-demo-build-dataset-{spark_job.digest(spark_job.MODES)}"
    assert spark_job.digest({**spark_job.MODES, "objects": "SSE-KMS"}) != spark_job.digest(spark_job.MODES)


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


def test_workflow_may_run_only_this_job(demo):
    machine = demo.state_machine("training")
    role = demo.referred(machine.properties["RoleArn"], stack=machine.stack)
    (statement,) = [s for s in statements(role) if "glue:StartJobRun" in s["Action"]]

    assert flat(statement["Resource"]).endswith(":job/alsolike-demo-build-dataset")
    actions = {"glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"}
    assert set(statement["Action"]) == actions

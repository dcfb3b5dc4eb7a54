"""Permissions of the roles of functions, workflows and training jobs."""

import json
import uuid
from typing import Any

from foreign_cloud import eventually

WRITE_A_MODEL = "import os; open(f\"{os.environ['SAGEMAKER_BASE_DIR']}/model/m\", 'w').write('m')"


def _job(cloud, role):
    name = f"job-{uuid.uuid4().hex[:12]}"
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-c", WRITE_A_MODEL],
        },
        OutputDataConfig={"S3OutputPath": f"s3://{cloud.output('Bucket')}/models"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )

    def look():
        found: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        return found if found["TrainingJobStatus"] != "InProgress" else None

    return eventually(look) or {}


def _execution(cloud, machine, document):
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(document))["executionArn"]

    def look():
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    return eventually(look) or {}


def test_function_and_workflow_use_the_grants_of_their_roles(cloud):
    document = {"job": f"job-{uuid.uuid4().hex[:12]}", "entrypoint": ["python3", "-c", WRITE_A_MODEL]}

    assert _execution(cloud, cloud.output("Machine"), document)["status"] == "SUCCEEDED"

    used = {grant["action"] for grant in cloud.cloud.permissions()["grants"] if grant["used"]}
    assert {"dynamodb:PutItem", "lambda:InvokeFunction", "sagemaker:CreateTrainingJob", "iam:PassRole"} <= used


def test_job_without_permission_cannot_store_its_model(cloud):
    job = _job(cloud, cloud.output("PowerlessRole"))

    assert job["TrainingJobStatus"] == "Failed"
    assert "s3:PutObject" in job["FailureReason"]


def test_workflow_without_permission_fails(cloud):
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": cloud.output("StepFunction")},
        "End": True,
    }
    machine = cloud.client("stepfunctions").create_state_machine(
        name=f"powerless-{uuid.uuid4().hex[:8]}",
        definition=json.dumps({"StartAt": "Invoke", "States": {"Invoke": invoke}}),
        roleArn=cloud.output("PowerlessRole"),
    )["stateMachineArn"]

    execution = _execution(cloud, machine, {})

    assert execution["status"] == "FAILED"
    assert "lambda:InvokeFunction" in execution["cause"]

"""Permissions of the roles of functions, workflows and training jobs."""

import json
import uuid

WRITE_A_MODEL = "import os; open(f\"{os.environ['SAGEMAKER_BASE_DIR']}/model/m\", 'w').write('m')"
WRITE = ("python3", "-c", WRITE_A_MODEL)


def test_function_and_workflow_use_the_grants_of_their_roles(cloud):
    document = {"job": f"job-{uuid.uuid4().hex[:12]}", "entrypoint": WRITE}

    assert cloud.execute(cloud.output("Machine"), document)["status"] == "SUCCEEDED"

    used = {grant["action"] for grant in cloud.cloud.permissions()["grants"] if grant["used"]}
    assert {"dynamodb:PutItem", "lambda:InvokeFunction", "sagemaker:CreateTrainingJob", "iam:PassRole"} <= used


def test_job_without_permission_cannot_store_its_model(cloud):
    job = cloud.trained(cloud.train(*WRITE, RoleArn=cloud.output("PowerlessRole")))

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

    execution = cloud.execute(machine, {})

    assert execution["status"] == "FAILED"
    assert "lambda:InvokeFunction" in execution["cause"]

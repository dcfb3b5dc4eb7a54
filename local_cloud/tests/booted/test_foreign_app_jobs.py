"""Glue jobs, started through the API and by a state machine."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from foreign_cloud import eventually

WELL = "import sys; print('hello', sys.argv[sys.argv.index('--name') + 1])"
CRASH = "raise ValueError('no interactions at all')"
SLEEP = "import time; print('asleep', flush=True); time.sleep(300)"


def create(cloud, script):
    name, bucket = f"job-{uuid.uuid4().hex[:12]}", cloud.output("Bucket")
    cloud.client("s3").put_object(Bucket=bucket, Key=f"scripts/{name}.py", Body=script)
    cloud.client("glue").create_job(
        Name=name,
        Role="arn:aws:iam::123456789012:role/jobs",
        Command={"Name": "pythonshell", "ScriptLocation": f"s3://{bucket}/scripts/{name}.py"},
        DefaultArguments={"--name": "nobody"},
        GlueVersion="5.0",
    )
    return name


def ended(cloud, name, run_id):
    def look():
        run: dict[str, Any] = cloud.client("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]
        return run if run["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING") else None

    return eventually(look) or {}


def test_job_run_gets_its_arguments_and_runs_one_at_a_time(cloud):
    name, glue = create(cloud, WELL), cloud.client("glue")

    run_id = glue.start_job_run(JobName=name, Arguments={"--name": "anna"})["JobRunId"]
    run = ended(cloud, name, run_id)

    assert (run["JobRunState"], run["GlueVersion"]) == ("SUCCEEDED", "5.0")
    assert run["CompletedOn"] >= run["StartedOn"]
    assert "hello anna" in cloud.log_lines("/aws-glue/jobs/output")


def test_stopped_run_ends_before_another_may_start(cloud):
    name, glue = create(cloud, SLEEP), cloud.client("glue")
    run_id = glue.start_job_run(JobName=name)["JobRunId"]
    with pytest.raises(ClientError, match="ConcurrentRunsExceeded"):
        glue.start_job_run(JobName=name)
    eventually(lambda: "asleep" in cloud.log_lines("/aws-glue/jobs/output"))

    answer = glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])

    assert answer["SuccessfulSubmissions"] == [{"JobName": name, "JobRunId": run_id}]
    assert ended(cloud, name, run_id)["JobRunState"] == "STOPPED"
    again = glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    assert [error["JobRunId"] for error in again["Errors"]] == [run_id]


@pytest.mark.parametrize(
    ("script", "status"), [(WELL, "SUCCEEDED"), (CRASH, "FAILED")], ids=["a job that ends well", "a job that fails"]
)
def test_state_machine_waits_for_the_job(cloud, script, status):
    job, sfn = create(cloud, script), cloud.client("stepfunctions")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Parameters": {"JobName": job, "Arguments": {"--name.$": "$.name"}},
        "End": True,
    }
    machine = sfn.create_state_machine(
        name=job,
        definition=json.dumps({"StartAt": "Run", "States": {"Run": state}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )["stateMachineArn"]

    execution = sfn.start_execution(stateMachineArn=machine, input='{"name": "ben"}')["executionArn"]

    def look():
        found: dict[str, Any] = sfn.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    found = eventually(look) or {}
    assert found["status"] == status, found
    if status == "SUCCEEDED":
        run = json.loads(found["output"])
        assert (run["JobName"], run["JobRunState"], run["Arguments"]["--name"]) == (job, "SUCCEEDED", "ben")
        assert run["Id"].startswith("jr_")
    else:
        assert found["error"] == "States.TaskFailed"
        assert "ValueError: no interactions at all" in found["cause"]

import io
import json
import subprocess
import tarfile
import uuid

import psutil
import pytest
from botocore.exceptions import ClientError

from foreign_cloud import eventually
from local_cloud.client import CloudError
from local_cloud.training.runner import placed

WELL = """
import json, os, pathlib, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
assert sys.argv[1] == f"{base}/model", sys.argv
hyperparameters = json.loads((base / "input/config/hyperparameters.json").read_text())
channels = json.loads((base / "input/config/inputdataconfig.json").read_text())
resources = json.loads((base / "input/config/resourceconfig.json").read_text())
data = base / "input/data/data"
files = sorted(str(p.relative_to(data)) for p in data.rglob("*") if p.is_file())
print("ndcg_at_10=0.25"); print("ndcg_at_10=0.5")
(base / "model" / "report.json").write_text(json.dumps({
    "hyperparameters": hyperparameters, "channels": list(channels), "hosts": resources["hosts"], "files": files,
    "job": os.environ["TRAINING_JOB_NAME"], "mode": os.environ["MODE"]}))
"""
CRASH = """
import os, pathlib, sys
pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "output/failure").write_text("no interactions at all")
sys.exit(7)
"""
SLEEP = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(f"children {os.getpid()} {child.pid}", flush=True)
time.sleep(300)
"""


def run(script):
    return "python3", "-c", script


def test_job_runs_its_entry_point_in_the_sagemaker_directories(cloud):
    s3, bucket = cloud.client("s3"), cloud.output("Bucket")
    s3.put_object(Bucket=bucket, Key="sets/one/a.txt", Body=b"a")
    s3.put_object(Bucket=bucket, Key="sets/one/deep/b.txt", Body=b"b")
    channel = {
        "ChannelName": "data",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"s3://{bucket}/sets/one",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }

    name = cloud.train(
        *run(WELL),
        arguments=["/opt/ml/model"],
        HyperParameters={"factors": "64"},
        InputDataConfig=[channel],
        Environment={"MODE": "test"},
    )
    described = cloud.trained(name)

    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert [(m["MetricName"], m["Value"]) for m in described["FinalMetricDataList"]] == [("ndcg@10", 0.5)]
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/models/{name}/output/model.tar.gz"
    phases = [transition["Status"] for transition in described["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    archive = s3.get_object(Bucket=bucket, Key=f"models/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        report = json.load(tar.extractfile("report.json") or io.BytesIO())
    assert report == {
        "hyperparameters": {"factors": "64"},
        "channels": ["data"],
        "hosts": ["algo-1"],
        "files": ["a.txt", "deep/b.txt"],
        "job": name,
        "mode": "test",
    }
    cloud.cloud.flush()
    streams = cloud.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
    )["logStreams"]
    assert len(streams) == 1


def test_crash_fails_the_job_with_its_reason(cloud):
    described = cloud.trained(cloud.train(*run(CRASH)))

    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: no interactions at all, exit code: 7"
    assert "FinalMetricDataList" not in described or not described["FinalMetricDataList"]


def test_channel_without_objects_fails_the_job(cloud):
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{cloud.output('Bucket')}/nothing/here"}}
    name = cloud.train(*run(WELL), InputDataConfig=[{"ChannelName": "data", "DataSource": source}])
    described = cloud.trained(name)

    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: no S3 objects under S3 URL")


def test_stopped_job_leaves_no_process(cloud):
    name = cloud.train(*run(SLEEP))

    def pids():
        lines = cloud.log_lines("/aws/sagemaker/TrainingJobs")
        return [int(pid) for line in lines if line.startswith("children") for pid in line.split()[1:]]

    family = eventually(pids)
    cloud.client("sagemaker").stop_training_job(TrainingJobName=name)
    described = cloud.trained(name)

    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "Stopped")
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in family))


def test_job_above_its_time_limit_is_stopped(cloud):
    described = cloud.trained(cloud.train(*run(SLEEP), StoppingCondition={"MaxRuntimeInSeconds": 1}))

    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


COUNTS = """
import os, pathlib, sys, time
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
count = base / "checkpoints" / "count"
seen = int(count.read_text()) if count.exists() else 0
(base / "model" / "runs").write_text(str(seen + 1))
if seen:
    sys.exit()
count.write_text("1")
print("saved", flush=True)
time.sleep(300)
"""


def test_interrupted_job_resumes_from_its_checkpoints(cloud):
    s3, bucket = cloud.client("s3"), cloud.output("Bucket")
    name = cloud.train(
        *run(COUNTS),
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints/of-a-test/"},
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
    )

    def kept():
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="checkpoints/of-a-test/").get("Contents", [])
        return [entry["Key"] for entry in listed]

    assert eventually(kept) == ["checkpoints/of-a-test/count"]  # The job is still running.
    cloud.cloud.interrupt_training(name)
    described = cloud.trained(name)

    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    phases = [transition["Status"] for transition in described["SecondaryStatusTransitions"]]
    started = ["Starting", "Downloading", "Training"]
    assert phases == [*started, "Interrupted", *started, "Uploading", "Completed"]
    archive = s3.get_object(Bucket=bucket, Key=f"models/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert (tar.extractfile("runs") or io.BytesIO()).read() == b"2"


def test_only_running_spot_jobs_can_be_interrupted(cloud):
    name = cloud.train(*run(SLEEP))

    for other in (name, "nobody"):
        with pytest.raises(CloudError, match=f"no training job '{other}' runs on spare capacity"):
            cloud.cloud.interrupt_training(other)
    cloud.client("sagemaker").stop_training_job(TrainingJobName=name)


def test_job_name_is_unique(cloud):
    name = cloud.train(*run("pass"))

    with pytest.raises(ClientError, match="ResourceInUse"):
        cloud.train(*run("pass"), TrainingJobName=name)


def execute(cloud, script):
    return cloud.execute(cloud.output("Machine"), {"job": f"flow-{uuid.uuid4().hex[:12]}", "entrypoint": run(script)})


def test_state_machine_waits_for_the_job_and_returns_its_model(cloud):
    described = execute(cloud, "open('model/x', 'w').write('1')")

    assert described["status"] == "SUCCEEDED", described.get("cause")
    handed_on = cloud.deliveries(cloud.output("StepFunction"))[-1]
    assert handed_on["model"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")


def test_state_machine_catches_a_failed_job_and_notifies_the_topic(cloud):
    described = execute(cloud, CRASH)

    assert (described["status"], described["error"]) == ("FAILED", "TrainingFailed")

    def notifications():
        events = cloud.deliveries(cloud.output("NotifiedFunction"))
        messages = [event["Records"][0]["Sns"]["Message"] for event in events]
        return [message for message in messages if "no interactions at all" in message]

    eventually(notifications)


def executions(cloud):
    machine, endings = cloud.output("Machine"), ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")
    return {name: cloud.metric_sum("AWS/States", f"Executions{name}", StateMachineArn=machine) for name in endings}


def test_failed_executions_are_counted_and_raise_an_alarm(cloud):
    before = executions(cloud)

    execute(cloud, CRASH)
    execute(cloud, "open('model/x', 'w').write('1')")

    added = {"Started": 2, "Succeeded": 1, "Failed": 1, "Aborted": 0, "TimedOut": 0}
    expected = {name: before[name] + count for name, count in added.items()}
    eventually(lambda: executions(cloud) == expected)
    alarm = cloud.output("MachineAlarm")
    eventually(lambda: cloud.cloud.alarms()[alarm] == "ALARM")

    def notifications():
        events = cloud.deliveries(cloud.output("NotifiedFunction"))
        messages = [event["Records"][0]["Sns"]["Message"] for event in events]
        return [message for message in messages if alarm in message and '"NewStateValue": "ALARM"' in message]

    eventually(notifications)


def test_entry_point_works_below_a_directory_with_a_space(tmp_path):
    base = tmp_path / "a job"
    (base / "input").mkdir(parents=True)
    (base / "input/code.zip").write_text("found")

    command = [placed(part, base) for part in ("sh", "-c", "cat /opt/ml/input/*.zip && cat /opt/ml/input/code.zip")]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "foundfound"
    assert placed("/opt/ml/input/code.zip", base) == str(base / "input/code.zip")

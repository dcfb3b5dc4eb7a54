"""Client of the cloud that runs the foreign app, with the helpers of its tests."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from local_cloud.client import Cloud

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, timeout_s: float = 120.0) -> Found:
    """Call `look` until its result is true, and return the result. The timeout is long for busy machines."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {timeout_s} s")
        time.sleep(0.05)
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ForeignCloud:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def output(self, name: str) -> str:
        return self.cloud.output(name)

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def deliveries(self, consumer: str) -> list[Any]:
        """Return the recorded content of each invocation of a consumer, in order."""
        table = self.client("dynamodb")
        answer = table.query(
            TableName=self.output("Deliveries"),
            KeyConditionExpression="consumer = :c",
            ExpressionAttributeValues={":c": {"S": consumer}},
        )
        return [json.loads(item["content"]["S"]) for item in answer["Items"]]

    def invoke(self, output: str, event: Mapping[str, Any], **options: Any) -> tuple[Any, Mapping[str, Any]]:
        answer = self.client("lambda").invoke(FunctionName=self.output(output), Payload=json.dumps(event), **options)
        payload = answer["Payload"].read()
        return (json.loads(payload) if payload else None), answer

    def train(self, *entrypoint: str, arguments: Sequence[str] = (), **options: Any) -> str:
        """Start a training job, and return its name. `options` replace parameters of the request."""
        request = {
            "TrainingJobName": f"job-{uuid.uuid4().hex[:12]}",
            "RoleArn": "arn:aws:iam::123456789012:role/training",
            "AlgorithmSpecification": {
                "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": entrypoint,
                "MetricDefinitions": [{"Name": "ndcg@10", "Regex": "ndcg_at_10=([0-9.]+)"}],
                **({"ContainerArguments": arguments} if arguments else {}),
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.output('Bucket')}/models"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **options,
        }
        self.client("sagemaker").create_training_job(**request)
        return str(request["TrainingJobName"])

    def trained(self, name: str) -> dict[str, Any]:
        """Return the description of a training job after its end."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("sagemaker").describe_training_job(TrainingJobName=name)
            return found if found["TrainingJobStatus"] != "InProgress" else None

        return eventually(look) or {}

    def execute(self, machine: str, document: Any) -> dict[str, Any]:
        """Execute a state machine, and return the description of the execution after its end."""
        states = self.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=machine, input=json.dumps(document))["executionArn"]

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = states.describe_execution(executionArn=arn)
            return found if found["status"] != "RUNNING" else None

        return eventually(look) or {}

    def messages(self, output: str, *, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        sqs, url = self.client("sqs"), self.output(output)

        def look() -> dict[str, Any] | None:
            found = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
            )
            for message in found.get("Messages", []):
                if matches(message):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return dict(message)
            return None

        return eventually(look) or {}

    def http(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = self.output("ApiUrl").rstrip("/") + path
        request = urllib.request.Request(url, method=method, data=body, headers=dict(headers or {}))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                found = response
                content = response.read()
        except urllib.error.HTTPError as error:
            found, content = error, error.read()
        headers_found = {name.lower(): value for name, value in found.headers.items()}
        return Answer(found.status, content, headers_found, tuple(found.headers.get_all("Set-Cookie") or ()))

    def metric_sum(self, namespace: str, name: str, **dimensions: str) -> float:
        """Return the sum of a metric from an hour ago to an hour ahead."""
        self.cloud.flush()
        now = datetime.now(UTC)
        answer = self.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7_200,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    def log_lines(self, group: str) -> list[str]:
        self.cloud.flush()
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]

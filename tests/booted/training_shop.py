"""Shop with its training runs, its model versions and the notifications to its operators."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry
from functions.start_training.training_run import run_of
from local_cloud.client import Cloud
from tests.booted.shop import Shop, eventually


class TrainingShop(Shop):
    def __init__(self, cloud: Cloud, state: Path) -> None:
        super().__init__(cloud, state)
        self.s3, self.stepfunctions = cloud.client("s3"), cloud.client("stepfunctions")
        self.sagemaker, self._sqs = cloud.client("sagemaker"), cloud.client("sqs")
        self.bucket = self.name("artefact-bucket")
        self._queue = self._sqs.create_queue(QueueName="notifications")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        cloud.client("sns").subscribe(
            TopicArn=self.name("alerts-topic-arn"), Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )

    def start(self, document: Any = None) -> str:
        answer = self.stepfunctions.start_execution(
            stateMachineArn=self.name("state-machine-arn"), input=json.dumps(document or {})
        )
        execution: str = answer["executionArn"]
        return execution

    def run_id(self, execution: str) -> str:
        started: dt.datetime = self.stepfunctions.describe_execution(executionArn=execution)["startDate"]
        return run_of(execution, started_at=started.isoformat()).run_id

    def states(self, execution: str) -> list[str]:
        events = self.stepfunctions.get_execution_history(executionArn=execution)["events"]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def ended(self, execution: str) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            found: dict[str, Any] = self.stepfunctions.describe_execution(executionArn=execution)
            return found

        found = eventually(look, holds=lambda found: found["status"] != "RUNNING")
        assert found["status"] != "RUNNING", self.states(execution)
        return found

    def champion(self) -> Champion | None:
        return Registry(self.s3, self.bucket).champion()

    def keys(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in listed]

    def manifest(self, version: str) -> dict[str, Any]:
        body = self.s3.get_object(Bucket=self.bucket, Key=f"models/{version}/manifest.json")["Body"]
        document: dict[str, Any] = json.load(body)
        return document

    def notifications(self, *, within_s: float = 60) -> list[dict[str, Any]]:
        """Wait for notifications of the workflow, and return at most ten.

        Alarms on the same topic are skipped.
        """

        def receive() -> list[dict[str, Any]]:
            received = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
            for message in received:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            messages = [json.loads(json.loads(message["Body"])["Message"]) for message in received]
            return [message for message in messages if "AlarmName" not in message]

        return eventually(receive, within_s=within_s)

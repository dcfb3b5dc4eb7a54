"""Workflow step that notifies operators, and the text of the notification."""

from typing import Any

from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra_cdk.constructs.retry_policy import Attempts

NOTIFICATION = Attempts(timeout_s=300)


def notify(
    scope: Construct, construct_id: str, alerts: sns.ITopic, *, environment: str, event: str, facts: dict[str, Any]
) -> tasks.SnsPublish:
    """Return a step that notifies operators of an event and passes its input on."""
    task = tasks.SnsPublish(
        scope,
        construct_id,
        topic=alerts,
        subject=f"Alsolike {environment}: {event}",
        message=sfn.TaskInput.from_object(
            {"environment": environment, "execution.$": "$$.Execution.Id", "event": event, **facts}
        ),
        result_path=sfn.JsonPath.DISCARD,
        task_timeout=NOTIFICATION.timeout,
    )
    NOTIFICATION.repeat(task, ["States.ALL"])
    return task

"""Workflow steps that call a function or notify operators, with their timeouts and retries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

LAMBDA_TRANSIENT = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""Errors of the Lambda service, not of a function."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Timeout of an attempt, first pause before a retry, and number of retries.

    The pause doubles with each retry. With jitter, it is the maximum of a random pause.
    """

    timeout_s: int
    first_pause_s: int = 2
    retries: int = 4

    @property
    def longest_s(self) -> int:
        """Maximum total duration of all attempts and the pauses between them, in seconds."""
        pauses_s = self.first_pause_s * ((1 << self.retries) - 1)  # 1 + 2 + 4 + ... times the first pause
        return (self.retries + 1) * self.timeout_s + pauses_s

    @property
    def timeout(self) -> sfn.Timeout:
        return sfn.Timeout.duration(cdk.Duration.seconds(self.timeout_s))

    def repeat(
        self,
        task: sfn.TaskStateBase | sfn.CustomState,
        errors: Sequence[str],
        *,
        jitter: sfn.JitterType | None = None,
    ) -> None:
        task.add_retry(
            errors=list(errors),
            interval=cdk.Duration.seconds(self.first_pause_s),
            max_attempts=self.retries,
            backoff_rate=2,
            jitter_strategy=jitter,
        )


def call(
    scope: Construct,
    construct_id: str,
    function: lambda_.IFunction,
    attempts: Attempts,
    *,
    payload: dict[str, Any],
    fields: Sequence[str],
    result_path: str,
    transient: Sequence[str],
) -> tasks.LambdaInvoke:
    """Return a step that calls a function and keeps `fields` of its result.

    The step is retried after errors of the Lambda service and the errors in `transient`.
    """
    task = tasks.LambdaInvoke(
        scope,
        construct_id,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(payload),
        # If the result lacks one of these fields, this step fails instead of a later step.
        result_selector={f"{field}.$": f"$.Payload.{field}" for field in fields},
        result_path=result_path,
        retry_on_service_exceptions=False,
        task_timeout=attempts.timeout,
    )
    attempts.repeat(task, [*LAMBDA_TRANSIENT, *transient], jitter=sfn.JitterType.FULL)
    return task


NOTIFICATION = Attempts(timeout_s=300)


def notify(
    scope: Construct, construct_id: str, alerts: sns.ITopic, *, environment: str, event: str, facts: dict[str, Any]
) -> tasks.SnsPublish:
    """Return a step that notifies operators of an event. Its output is its input."""
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

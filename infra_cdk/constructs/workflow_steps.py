"""Workflow steps that call a Lambda function."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra_cdk.constructs.retry_policy import LAMBDA_TRANSIENT, Attempts


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

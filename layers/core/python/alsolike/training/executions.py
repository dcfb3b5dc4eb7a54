"""Start and ARNs of Step Functions executions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import StepFunctionsClient
from alsolike.runtime.errors import Unavailable


def start_execution(
    client: StepFunctionsClient, state_machine_arn: str, document: Mapping[str, Any], *, name: str | None = None
) -> str:
    """Start an execution, and return its ARN. If an execution with this name exists, return its ARN instead."""
    try:
        with translate_aws_errors(f"state machine {state_machine_arn}"):
            answer = client.start_execution(
                stateMachineArn=state_machine_arn, name=name or str(uuid.uuid4()), input=orjson.dumps(document).decode()
            )
    except Unavailable as error:
        if name is None or error.code != "ExecutionAlreadyExists":
            raise
        return execution_arn(state_machine_arn, name)
    return str(answer["executionArn"])


def execution_arn(state_machine_arn: str, name: str) -> str:
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def execution_name(arn: str) -> str:
    return arn.rpartition(":")[2]

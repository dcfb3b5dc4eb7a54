"""Calls of scheduled functions outside their schedules."""

from __future__ import annotations

from typing import Any

from alsolike.api.operate_requests import REFRESH
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import LambdaClient
from functions.operate.request import OperatorRequest


def refresh(lambda_: LambdaClient, function: str, request: OperatorRequest) -> dict[str, Any]:
    """Start a function asynchronously, because it may take longer than the API waits."""
    request.body(REFRESH)
    with translate_aws_errors(f"function {function}"):
        lambda_.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    request.note("refresh", function=function)
    return {}

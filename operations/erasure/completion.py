from __future__ import annotations

import time
from typing import Any

from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore
from alsolike.runtime.errors import Unavailable
from alsolike.training.executions import execution_arn
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment


def completed(deployment: Deployment, erasure: str) -> ErasureReceipt:
    """Wait for an erasure to finish, and return its receipt."""
    receipts = ErasureReceiptStore(deployment.client("s3"), deployment.names.artefact_bucket)
    with progress.step("erasure"):
        while (receipt := receipts.read(erasure)).completed_at_ms is None:
            if (failure := _failure(deployment, receipt)) is not None:
                raise Unavailable(f"erasure {erasure}: its workflow {failure}; request the erasure again to continue")
            time.sleep(1)
    return receipt


def _failure(deployment: Deployment, receipt: ErasureReceipt) -> str | None:
    """Return the status of a workflow that ended without completing the erasure, else None."""
    execution = execution_arn(deployment.names.erasure_state_machine_arn, f"{receipt.erasure_id}-{receipt.runs}")
    with translate_aws_errors(f"execution {execution}"):
        execution_state: dict[str, Any] = deployment.client("stepfunctions").describe_execution(executionArn=execution)
    ended = str(execution_state["status"])
    return None if ended in ("RUNNING", "SUCCEEDED") else f"is {ended}"

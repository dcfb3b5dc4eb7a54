"""Erasures of a deployment: receipts, search for the data of a user, and wait for the completion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX
from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore
from alsolike.profiles.user_export import UserData, UserDataStores
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import scan
from alsolike.training.executions import execution_arn
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms


def receipts(deployment: Deployment) -> Iterator[ErasureReceipt]:
    for stored in scan(deployment.client("s3"), deployment.names.artefact_bucket, ERASURE_RECEIPTS_PREFIX):
        if stored.body is not None:
            yield ErasureReceipt.from_json(stored.body)


def user_data_of(deployment: Deployment, *, on_object: Callable[[], None]) -> UserData:
    import pandas as pd
    import pyarrow.parquet as pq

    names = deployment.names
    return UserData(
        deployment.client("s3"),
        deployment.client("dynamodb"),
        UserDataStores(names.lake_bucket, names.artefact_bucket, names.profiles_table, names.users_table),
        pseudonyms(deployment),
        pd,
        pq,
        on_object=on_object,
    )


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

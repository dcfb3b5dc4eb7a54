"""Handler of the first and last step of a batch inference job: reading users and writing recommendations."""

from __future__ import annotations

import os
from typing import Any

from alsolike.runtime.aws import client
from alsolike.runtime.observability import Metric, count, instrumented
from alsolike.runtime.settings import from_environment
from functions.exchange_batch.service import read_users, write_lines
from functions.exchange_batch.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Read the users of `source`, or write recommendations to `output` if the event contains it.

    Return the number of `users`.
    """
    bucket, s3 = from_environment(Settings, os.environ).artefact_bucket, client("s3")
    if "output" not in event:
        return {"users": read_users(s3, bucket, run=event["run"], source=event["source"])}
    users = write_lines(s3, bucket, run=event["run"], source=event["source"], output=event["output"])
    count(Metric.BATCH_USERS_DELIVERED, users)
    return {"users": users}

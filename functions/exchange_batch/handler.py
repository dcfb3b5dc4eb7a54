"""Handler of the first and last step of a batch inference or segment job: reading the input and writing the output."""

from __future__ import annotations

import os
import time
from typing import Any

from alsolike.configuration.aliases import SEGMENTS
from alsolike.declarations.metrics import Metric
from alsolike.privacy.tombstones import user_ids
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented
from alsolike.runtime.settings import from_environment
from functions.exchange_batch.service import read_segments, read_users, write_lines, write_segments
from functions.exchange_batch.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Read the input from `source`, or write the results to `output` if the event contains it."""
    settings = from_environment(Settings, os.environ)
    bucket, s3 = settings.artefact_bucket, client("s3")
    files = {"run": event["run"], "source": event["source"]}
    is_pseudonymised = bool(settings.pseudonymise_ids)
    if event.get("recommender") != SEGMENTS:  # Executions of an earlier version have no recommender.
        if "output" not in event:
            return {"users": read_users(s3, bucket, **files)}
        users = write_lines(s3, bucket, **files, output=event["output"])
    else:
        size = event["numResults"]
        if "output" not in event:
            return {"users": read_segments(s3, bucket, **files, size=size, is_pseudonymised=is_pseudonymised)}
        erased_users = user_ids(
            s3, bucket, client("secretsmanager"), settings.secret_arn, pseudonymise=is_pseudonymised, check_s=0
        )
        now_ms = time.time_ns() // 1_000_000

        def erased(user_id: str) -> bool:
            return erased_users.erased(erased_users.ids.user(user_id), now_ms=now_ms)

        users = write_segments(s3, bucket, **files, output=event["output"], size=size, erased=erased)
    count(Metric.BATCH_USERS_DELIVERED, users)
    return {"users": users}

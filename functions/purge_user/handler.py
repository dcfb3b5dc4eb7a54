from __future__ import annotations

import os
import time
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import pseudonyms_of
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from functions.purge_user.service import purge
from functions.purge_user.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    settings = from_environment(Settings, os.environ)
    outcome = purge(
        event["erasure_id"],
        s3=client("s3"),
        dynamodb=client("dynamodb"),
        places=settings,
        pseudonyms=pseudonyms_of(client("secretsmanager"), settings.secret_arn),
        clock_ms=lambda: time.time_ns() // 1_000_000,
        remaining_ms=context.get_remaining_time_in_millis,
    )
    count(Metric.ERASURES_COMPLETED, int(outcome == "done"))
    logger.info("erasure", erasure_id=event["erasure_id"], outcome=outcome)
    return {"outcome": outcome}

"""Handler of one batch of a run, after `recommend` has processed it."""

from __future__ import annotations

import os
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented
from alsolike.runtime.settings import from_environment
from functions.write_recommendations.service import write
from functions.write_recommendations.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Write the batch's rows. Return the numbers of `users` with a response, of `items`, and of `failed` users."""
    settings = from_environment(Settings, os.environ)
    counts = write(
        client("s3"), settings.artefact_bucket, run=event["run"], batch=event["batch"], recommender=event["recommender"]
    )
    count(Metric.RECOMMENDATIONS_WRITTEN, counts["items"])
    return counts

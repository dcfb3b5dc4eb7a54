"""One batch of a run, which `recommend` has answered."""

from __future__ import annotations

import os
from typing import Any

from alsolike.runtime.aws import client
from alsolike.runtime.observability import Metric, count, instrumented
from alsolike.runtime.settings import from_environment
from functions.write_recommendations.service import write
from functions.write_recommendations.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Write the batch's rows; return the numbers of `users` with an answer, of `items`, and of users who `failed`."""
    settings = from_environment(Settings, os.environ)
    counts = write(
        client("s3"), settings.artefact_bucket, run=event["run"], batch=event["batch"], recommender=event["recommender"]
    )
    count(Metric.RECOMMENDATIONS_WRITTEN, counts["items"])
    return counts

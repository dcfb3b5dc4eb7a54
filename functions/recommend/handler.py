"""POST /recommendations."""

from __future__ import annotations

import functools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from alsolike.aws import client
from alsolike.errors import AlsolikeError
from alsolike.http import request_body, respond_error
from alsolike.observability import Metric, count, log_refusal, logger, metrics
from alsolike.profiles import ProfileStore
from alsolike.registry import Registry
from alsolike.settings import from_environment
from functions.recommend.bundle_cache import BundleCache
from functions.recommend.champion import ChampionLoader
from functions.recommend.request import parse_request
from functions.recommend.response import respond_answer
from functions.recommend.service import recommend
from functions.recommend.settings import Settings

CALL_TIMEOUT_S = 2
ATTEMPTS = 2
"""A popular list in time is worth more than a late profile, and the loaded model more than a late champion."""


@functools.cache
def _sources() -> tuple[ChampionLoader, ProfileStore]:
    settings = from_environment(Settings, os.environ)
    s3, dynamodb = (client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS) for service in ("s3", "dynamodb"))
    bucket = settings.artefact_bucket
    bundles = BundleCache(s3, bucket, Path(tempfile.gettempdir()) / "models")
    champion = ChampionLoader(Registry(s3, bucket), bundles, check_s=settings.champion_check_s)
    return champion, ProfileStore(dynamodb, settings.profiles_table)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with ranked items."""
    champion, profiles = _sources()
    now_ms = time.time_ns() // 1_000_000
    try:
        request = parse_request(request_body(event))
        serving = champion.serving(now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
        answer = recommend(request, serving=serving, profiles=profiles, now_ms=now_ms)
    except AlsolikeError as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        return respond_error(error)
    count(Metric.RECOMMENDATIONS_SERVED)
    count(Metric.RECOMMENDATIONS_POPULAR, int(answer.source == "popular"))
    count(Metric.RECOMMENDATIONS_DEGRADED, int(answer.degraded is not None))
    return respond_answer(answer)

"""POST /recommendations."""

from __future__ import annotations

import dataclasses
import functools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from alsolike.aws import client
from alsolike.configuration import DEFAULT
from alsolike.configuration_reader import ConfigurationReader
from alsolike.errors import AlsolikeError
from alsolike.http import request_body, respond_error
from alsolike.observability import Metric, count, log_refusal, logger, metrics
from alsolike.profiles import ProfileStore
from alsolike.pseudonyms import AS_THEY_COME, EdgeIds, pseudonyms_of
from alsolike.registry import Registry
from alsolike.settings import from_environment
from alsolike.snapshot import EMPTY
from alsolike.snapshot_reader import SnapshotReader
from alsolike.users import UserStore
from functions.recommend.bundle_cache import BundleCache
from functions.recommend.champion import ChampionLoader
from functions.recommend.request import parse_request
from functions.recommend.response import respond_answer
from functions.recommend.service import People, recommend
from functions.recommend.settings import Settings
from functions.recommend.standing import CATALOGUE, CONFIGURATION, Watch
from functions.recommend.watched import Watched

CALL_TIMEOUT_S = 2
ATTEMPTS = 2
"""A popular list in time is worth more than a late profile, and the loaded model more than a late champion."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """What answers are made of, once a process."""

    watch: Watch
    people: People


@functools.cache
def _sources() -> Sources:
    settings = from_environment(Settings, os.environ)
    s3, dynamodb = (client(service, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS) for service in ("s3", "dynamodb"))
    bucket, scratch = settings.artefact_bucket, Path(tempfile.gettempdir())
    champion = ChampionLoader(
        Registry(s3, bucket), BundleCache(s3, bucket, scratch / "models"), check_s=settings.champion_check_s
    )
    configuration = ConfigurationReader(s3, bucket, check_s=settings.configuration_check_s)
    snapshot = SnapshotReader(
        s3,
        bucket,
        scratch / "catalogue",
        check_s=settings.snapshot_check_s,
        max_bytes=settings.max_snapshot_mb * 1_000_000,
    )
    watch = Watch(
        champion,
        configuration=Watched(
            configuration, what=CONFIGURATION, default=DEFAULT, retry_s=settings.configuration_check_s
        ),
        snapshot=Watched(snapshot, what=CATALOGUE, default=EMPTY, retry_s=settings.snapshot_check_s),
    )
    people = People(
        _ids(settings), ProfileStore(dynamodb, settings.profiles_table), UserStore(dynamodb, settings.users_table)
    )
    return Sources(watch, people)


def _ids(settings: Settings) -> EdgeIds:
    if not settings.pseudonymise_ids:
        return AS_THEY_COME
    secretsmanager = client("secretsmanager", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
    return EdgeIds(lambda: pseudonyms_of(secretsmanager, settings.secret_arn))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with ranked items."""
    sources = _sources()
    now_ms = time.time_ns() // 1_000_000
    try:
        request = parse_request(request_body(event))
        standing = sources.watch.standing(now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
        answer = recommend(request, standing=standing, people=sources.people, now_ms=now_ms)
    except AlsolikeError as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        return respond_error(error)
    count(Metric.RECOMMENDATIONS_SERVED)
    count(Metric.RECOMMENDATIONS_POPULAR, int(answer.source == "popular"))
    count(Metric.RECOMMENDATIONS_FILLED, int(answer.filled > 0))
    count(Metric.RECOMMENDATIONS_COLD, int(answer.cold > 0))
    count(Metric.RECOMMENDATIONS_DEGRADED, int(bool(answer.degraded)))
    return respond_answer(answer)

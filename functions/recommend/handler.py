"""The routes that recommend and rank; and batches of users, replays and previews of rules, by direct invocation."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.api.handler import api_handler
from alsolike.catalogue.users import UserStore
from alsolike.config.reader import ConfigurationReader
from alsolike.contract.http import route_key
from alsolike.domain.configuration import DEFAULT
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.profiles.store import ProfileStore
from alsolike.registry.registry import Registry
from alsolike.runtime.aws import client
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.runtime.observability import Metric, count, count_all, invocation, log_refusal
from alsolike.runtime.polling import CircuitBreaker, PolledValue, Polling, WaitBudget
from alsolike.runtime.settings import from_environment
from alsolike.runtime.struct import struct
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.snapshot import EMPTY
from alsolike.trends.store import TrendsReader
from alsolike.trends.trends import NO_TRENDS, Trends
from functions.recommend.direct.batch import BatchFiles, answer_batch, parse_batch
from functions.recommend.direct.preview import preview
from functions.recommend.direct.replay import answer_replay
from functions.recommend.http.request import ACTION_ROUTE, PARSERS, ActionRequest, parse_action_recommendations
from functions.recommend.http.response import ActionAnswer, Answer, respond_actions, respond_answer
from functions.recommend.http.served_line import ServedLog
from functions.recommend.ranking.actions import recommend_actions
from functions.recommend.service import Recommender
from functions.recommend.settings import Settings
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import ChampionLoader, VariantModels
from functions.recommend.state.model import Budget, open_first_session
from functions.recommend.state.serving_state import ServingState, StateRefresher
from functions.recommend.state.stores import ActionReader, ActionSources, UserStores

CALL_TIMEOUT_S = 2
ATTEMPTS = 2
"""Timeout and attempts of S3 calls: an answer from the loaded model is worth more than a late champion."""

PROFILE_SHARE = 0.5
"""Share of the time budget for the profile: popular items in time are worth more than a late history."""

CHAMPION_RETRY_S = 5
"""Pause after a failed read of the first champion: shorter than the usual interval, since no other model answers."""

READ_MS = 9_000
"""Minimum remaining time for a read of the configuration or the catalogue, which a silent S3 makes slow."""

BATCH_TIMEOUT_S = 5
BATCH_ATTEMPTS = 4
"""Timeout and attempts of DynamoDB calls in batches, where no page waits."""

SECRET_MS = 4_500
"""Time limit for the secret of the hashes if Secrets Manager is silent: 2 s to connect, 2 s to read."""

NOT_MODIFIED = 304

CONNECT_ATTEMPTS = 3
NO_PROFILE = "connect"
"""ID of a profile that does not exist: IDs of profiles start with ``u#`` or ``s#``."""

PREPARE_MS = 9_500
"""Time limit of the preparation: Lambda gives initialisation and restoring ten seconds."""


@struct
class Sources:
    """The sources of answers, created once per process."""

    refresher: StateRefresher
    stores: UserStores
    trends: PolledValue[Trends]
    served: ServedLog
    time_budget_ms: int
    wait_budget: WaitBudget
    batches: Callable[[], Batches]
    actions: ActionSources


@struct
class Batches:
    """The further sources of batches, created with the first one."""

    profiles: ProfileStore
    files: BatchFiles


@functools.cache
def _sources() -> Sources:
    settings = from_environment(Settings, os.environ)
    s3 = client("s3", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
    # A network that swallows connections is as silent as a table. Botocore would wait up to a second before another
    # attempt.
    profile_s = settings.time_budget_ms / 1000 * PROFILE_SHARE or CALL_TIMEOUT_S
    dynamodb = client("dynamodb", connect_timeout_s=profile_s, read_timeout_s=profile_s, attempts=1, checks_calls=False)
    bucket, scratch = settings.artefact_bucket, Path(tempfile.gettempdir())
    bundles = BundleCache(s3, bucket, scratch / "models")
    registry, budget = Registry(s3, bucket), WaitBudget(settings.time_budget_ms)
    breaker = CircuitBreaker(open_s=settings.champion_check_s)

    def polling(interval_s: float, **options: Any) -> Polling:
        return Polling(interval_s, breaker=breaker, budget=budget, **options)

    refresher = StateRefresher(
        ChampionLoader(
            registry,
            bundles,
            polling=polling(
                settings.champion_check_s, retry_s=CHAMPION_RETRY_S, probes_breaker=True, waits_for_first=True
            ),
        ),
        variants=VariantModels(bundles, retry_s=settings.champion_check_s, budget=budget),
        configuration=ConfigurationReader(
            s3,
            bucket,
            polling=polling(settings.configuration_check_s, waits_for_first=True, min_remaining_ms=READ_MS),
            default=DEFAULT,
            own_names=True,
        ),
        snapshot=SnapshotReader(
            s3,
            bucket,
            scratch / "catalogue",
            polling=polling(settings.snapshot_check_s, waits_for_first=True, min_remaining_ms=READ_MS),
            default=EMPTY,
            max_bytes=settings.max_snapshot_mb * 1_000_000,
        ),
    )
    trends = TrendsReader(s3, bucket, polling=polling(settings.trends_check_s), default=NO_TRENDS)
    # Without pseudonymised ids, only the log needs the secret. One attempt keeps requests from waiting for a second.
    attempts = ATTEMPTS if settings.pseudonymise_ids else 1
    secretsmanager = client("secretsmanager", read_timeout_s=CALL_TIMEOUT_S, attempts=attempts)

    def pseudonyms() -> Pseudonyms:
        return pseudonyms_of(secretsmanager, settings.secret_arn)

    ids = IdPolicy(pseudonyms) if settings.pseudonymise_ids else PLAIN_IDS
    profiles = ProfileStore(dynamodb, settings.profiles_table)
    stores = UserStores(ids, profiles, UserStore(dynamodb, settings.users_table))
    return Sources(
        refresher,
        stores,
        trends,
        ServedLog(ids, pseudonyms),
        settings.time_budget_ms,
        budget,
        functools.cache(functools.partial(_batches, settings)),
        ActionSources(
            ActionReader(s3, bucket, polling=polling(settings.configuration_check_s, waits_for_first=True)), profiles
        ),
    )


def _batches(settings: Settings) -> Batches:
    dynamodb = client("dynamodb", read_timeout_s=BATCH_TIMEOUT_S, attempts=BATCH_ATTEMPTS)
    s3 = client("s3", read_timeout_s=BATCH_TIMEOUT_S, attempts=BATCH_ATTEMPTS)
    return Batches(ProfileStore(dynamodb, settings.profiles_table), BatchFiles(s3, settings.artefact_bucket))


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with ranked items."""
    sources = _sources()
    now_ms = time.time_ns() // 1_000_000
    sources.wait_budget.begin_request(limited="routeKey" in event)
    if "batch" in event:
        return _answer_batch(event, context, sources=sources, now_ms=now_ms)
    for name, answer_call in (("replay", answer_replay), ("preview", preview)):
        if name in event:
            recommender = _recommender(sources, context, now_ms=now_ms)
            return _or_refusal(answer_call, event[name], recommender=recommender)
    budget = Budget(sources.time_budget_ms)
    route = route_key(event)
    if route == ACTION_ROUTE:
        return _answer_actions(event, context, sources=sources, now_ms=now_ms)
    request = PARSERS[route](event)
    recommender = _recommender(sources, context, now_ms=now_ms)
    if sources.wait_budget.is_cold:
        sources.trends.begin(now_ms=now_ms)
    answer = recommender.answer(request, budget=budget, swaps=True)
    _count(answer)
    response = respond_answer(answer, request, event, route=route)
    if response["statusCode"] != NOT_MODIFIED:  # a client that has this answer already got it from a logged request
        correlation_id = invocation.correlation_id
        sources.served.write(answer, request, now_ms=now_ms, took_ms=budget.took_ms, correlation_id=correlation_id)
    return response


def _answer_actions(event: dict[str, Any], context: Any, *, sources: Sources, now_ms: int) -> dict[str, Any]:
    state = sources.refresher.state(now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
    answer = _actions(parse_action_recommendations(event), state=state, sources=sources, now_ms=now_ms)
    count(Metric.ACTION_ANSWERS)
    if answer.degraded:
        count(Metric.ACTION_ANSWERS_DEGRADED)
    return respond_actions(answer)


def _actions(request: ActionRequest, *, state: ServingState, sources: Sources, now_ms: int) -> ActionAnswer:
    return recommend_actions(
        request,
        state=state,
        stores=sources.stores,
        sources=sources.actions,
        recommendation_id=uuid.uuid4().hex,
        now_ms=now_ms,
    )


def _recommender(sources: Sources, context: Any, *, now_ms: int) -> Recommender:
    """Return a recommender with the current state."""
    state = sources.refresher.state(now_ms=now_ms, remaining_ms=context.get_remaining_time_in_millis)
    return Recommender(state, sources.stores, sources.trends, now_ms)


def _answer_batch(event: dict[str, Any], context: Any, *, sources: Sources, now_ms: int) -> dict[str, Any]:
    """Answer a batch; an error that concerns the whole batch fails the invocation, so that its caller learns of it."""
    batches = sources.batches()
    batch = parse_batch(event["batch"], files=batches.files)
    recommender = _recommender(sources, context, now_ms=now_ms)
    return answer_batch(
        batch,
        recommender=recommender,
        actions=functools.partial(_actions, state=recommender.state, sources=sources, now_ms=now_ms),
        profiles=batches.profiles,
        files=batches.files,
        remaining_ms=context.get_remaining_time_in_millis,
    )


def _or_refusal(call: Callable[..., dict[str, Any]], *arguments: Any, **more: Any) -> dict[str, Any]:
    """Return the response to a direct invocation; a caller's mistake is no error of the function."""
    try:
        return call(*arguments, **more)
    except (InvalidInput, NotFound) as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        kind = NotFound if isinstance(error, NotFound) else InvalidInput
        return {"refused": {"type": kind.__name__, "message": str(error)}}


def _count(answer: Answer) -> None:
    outcomes = (
        (Metric.RECOMMENDATIONS_SERVED, True),
        (Metric.RECOMMENDATIONS_POPULAR, answer.source == "popular"),
        (Metric.RECOMMENDATIONS_FILLED, answer.filled),
        (Metric.RECOMMENDATIONS_COLD, answer.cold),
        (Metric.RULES_APPLIED, answer.rules),
        (Metric.RULES_UNMET, answer.unmet_rules),
        (Metric.RECOMMENDATIONS_DEGRADED, answer.degraded),
        (_DEGRADED_TO[answer.source], answer.degraded),
    )
    count_all([metric for metric, occurred in outcomes if occurred])


_DEGRADED_TO = {
    "model": Metric.DEGRADED_TO_MODEL,
    "similar": Metric.DEGRADED_TO_SIMILAR,
    "popular": Metric.DEGRADED_TO_POPULAR,
    "trending": Metric.DEGRADED_TO_TRENDING,
    "recent": Metric.DEGRADED_TO_RECENT,
    "none": Metric.DEGRADED_TO_NOTHING,
}


def _connect() -> None:
    """Read a profile that does not exist, so that no request waits for the first TLS handshake with DynamoDB.

    The handshake may take longer than the connection timeout, which is half of a request's time budget. Later attempts
    are faster: the address is resolved and the certificates are loaded.
    """
    for _ in range(CONNECT_ATTEMPTS):
        with contextlib.suppress(Unavailable):
            _sources().stores.profiles.read(NO_PROFILE, length=1)
            return


def _prepare() -> None:
    """Load the champion, or check for a new one, before the first request, which repeats a failed step."""
    deadline_ms = time.monotonic() * 1000 + PREPARE_MS
    now_ms = time.time_ns() // 1_000_000
    sources = _sources()

    def remaining_ms() -> float:
        return deadline_ms - time.monotonic() * 1000

    _connect()
    sources.wait_budget.begin_request(limited=False)
    sources.refresher.state(now_ms=now_ms, remaining_ms=remaining_ms)
    sources.trends.begin(now_ms=now_ms)
    if remaining_ms() > SECRET_MS:
        sources.served.prepare(now_ms=now_ms)


if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    _sources()  # creating clients takes half of a first request's time, and initialisation has a whole processor
    open_first_session()
    _connect()
    gc.freeze()  # existing objects stay; only replaced models and views of the catalogue need collection
    gc.enable()
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") in ("snap-start", "provisioned-concurrency"):
    _prepare()
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    from snapshot_restore_py import register_after_restore  # part of the Lambda runtime

    register_after_restore(_prepare)

"""Clients, stores and polled values of the process, created once from the settings."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.catalogue.users import UserStore
from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy, Pseudonyms, pseudonyms_of
from alsolike.profiles.impressions import ImpressionStore
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.aws import client
from alsolike.runtime.polling import CircuitBreaker, PolledValue, Polling, WaitBudget
from alsolike.runtime.s3 import S3Object
from alsolike.runtime.settings import from_environment
from alsolike.runtime.struct import struct
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.snapshot import EMPTY
from alsolike.trends.counters import NO_TRENDS, Trends
from alsolike.trends.store import TrendsReader
from functions.recommend.direct.batch import Files
from functions.recommend.http.served_line import ServedLog
from functions.recommend.settings import Settings
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import ChampionLoader, VariantModels
from functions.recommend.state.serving_state import StateRefresher
from functions.recommend.state.stores import ActionReader, ActionSources, ImpressionReader, UserStores
from functions.recommend.timeouts import (
    ATTEMPTS,
    BATCH_ATTEMPTS,
    BATCH_TIMEOUT_S,
    CALL_TIMEOUT_S,
    CHAMPION_RETRY_S,
    PROFILE_SHARE,
    READ_MS,
    unanswered_ms,
)


@struct
class Dependencies:
    refresher: StateRefresher
    stores: UserStores
    trends: PolledValue[Trends]
    served: ServedLog
    time_budget_ms: int
    wait_budget: WaitBudget
    batches: Callable[[], Batches]
    actions: ActionSources
    secret_ms: int  # Minimum remaining time for a read of the secret.


@struct
class Batches:
    profiles: ProfileStore
    files: Files


@functools.cache
def current_dependencies() -> Dependencies:
    settings = from_environment(Settings, os.environ)
    s3 = client("s3", connect_timeout_s=CALL_TIMEOUT_S, read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS)
    profile_s = min(settings.time_budget_ms / 1000 * PROFILE_SHARE or CALL_TIMEOUT_S, CALL_TIMEOUT_S)
    # A single attempt, because botocore would pause for up to a second before another one. `StoredUser` repeats a read
    # after a closed connection.
    dynamodb = client("dynamodb", connect_timeout_s=profile_s, read_timeout_s=profile_s, attempts=1)
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
    # Without pseudonymised IDs, only the log and impressions require the secret. So a single attempt is made, and no
    # request waits for a second one.
    attempts = ATTEMPTS if settings.pseudonymise_ids else 1
    secretsmanager = client(
        "secretsmanager", connect_timeout_s=CALL_TIMEOUT_S, read_timeout_s=CALL_TIMEOUT_S, attempts=attempts
    )

    def pseudonyms() -> Pseudonyms:
        return pseudonyms_of(secretsmanager, settings.secret_arn)

    ids = IdPolicy(pseudonyms) if settings.pseudonymise_ids else PLAIN_IDS
    profiles = ProfileStore(dynamodb, settings.profiles_table)
    served = ServedLog(ids, pseudonyms)
    impressions = ImpressionReader(
        ImpressionStore(dynamodb, settings.profiles_table), ids, lambda now_ms: served.prepare(now_ms=now_ms)
    )
    stores = UserStores(ids, profiles, UserStore(dynamodb, settings.users_table), impressions)
    return Dependencies(
        refresher,
        stores,
        trends,
        served,
        settings.time_budget_ms,
        budget,
        functools.cache(functools.partial(_batches, settings)),
        ActionSources(
            ActionReader(s3, bucket, polling=polling(settings.configuration_check_s, waits_for_first=True)), profiles
        ),
        unanswered_ms(attempts),
    )


def _batches(settings: Settings) -> Batches:
    dynamodb = client("dynamodb", read_timeout_s=BATCH_TIMEOUT_S, attempts=BATCH_ATTEMPTS)
    s3 = client("s3", read_timeout_s=BATCH_TIMEOUT_S, attempts=BATCH_ATTEMPTS)
    return Batches(
        ProfileStore(dynamodb, settings.profiles_table), functools.partial(S3Object, s3, settings.artefact_bucket)
    )

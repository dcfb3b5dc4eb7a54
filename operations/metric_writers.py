"""All custom metrics with their functions, dimensions, frequency and cost.

CloudWatch charges each series per hour with data. A series is a metric name with one value per dimension. Therefore
daily metrics are sent once per day, and counters with the value 0 are not sent.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from alsolike.declarations.metrics import Metric
from alsolike.declarations.routes import BASIC_ROUTES, SIGNED_ROUTES
from alsolike.recommendations.request_fields import LISTING, PERSONALIZED_RANKING
from alsolike.runtime.observability import API_SERVICE
from alsolike.training.monitoring import Drift
from operations import prices

NAMESPACE: Final = "Alsolike/<environment>"

USD_A_MONTH: Final = prices.TABLE["metrics"].dollars
"""Monthly price in dollars of a series that is sent every hour, within the first 10,000 series; see `PRICE_AS_OF`."""

PRICE_AS_OF: Final = prices.DATE
HOURS_A_MONTH: Final = 730


class Rhythm(StrEnum):
    """Frequency at which a series is sent, which determines its billed hours."""

    HOURLY = "every hour"
    DAILY = "one hour per day"
    TRAINING = "one hour per training"
    SELDOM = "when it happens"


class By(StrEnum):
    """Dimensions of a metric in addition to `service`, the name of the function."""

    DIMENSION = "dimension"
    NAME = "name"
    REASON = "reason"
    FIGURE = "figure"
    ROLE = "role"
    MODEL_VERSION = "model_version"
    CONDITION = "condition"
    RECOMMENDER = "recommender"
    FILTER = "filter"


ROLES: Final = ("candidate", "champion")
CONDITIONS: Final = 15
"""Maximum number of the gate's checks, see docs/gate.md."""
REASONS: Final = 12
"""Number of reasons for not attributing an event, see docs/attribution.md."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """Numbers of dimension values that depend on the shop: model versions that serve on one day, arms in concurrent
    experiments, and trainings per month.
    """

    versions: int = 2
    arms: int = 0
    trainings: float = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """Metric of one function, with its dimensions in addition to `service`."""

    metric: Metric
    service: str
    rhythm: Rhythm
    by: tuple[By, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(sorted(("service", *self.by)))

    def series(self, bounds: Bounds) -> int:
        """Return the number of series that exist at the same time."""
        return math.prod(_values(by, bounds) for by in self.by)

    def months(self, bounds: Bounds, *, calls: float = math.inf) -> float:
        """Return the series-months that are billed per month: the number of series times the share of hours with data.

        `calls` are the function's calls per month, which limit the hours. Metrics with the rhythm SELDOM count as 0.
        """
        hours = {
            Rhythm.HOURLY: min(calls, HOURS_A_MONTH),
            Rhythm.DAILY: min(calls, HOURS_A_MONTH / 24),
            Rhythm.TRAINING: min(bounds.trainings, HOURS_A_MONTH) if calls else 0,
            Rhythm.SELDOM: 0,
        }[self.rhythm]
        return self.series(bounds) * hours / HOURS_A_MONTH

    def usd(self, bounds: Bounds) -> float:
        """Return the monthly cost in dollars. Rare metrics count as 0."""
        return self.months(bounds) * USD_A_MONTH

    def max_usd(self, bounds: Bounds) -> float:
        """Return the monthly cost in dollars if rare metrics are sent every hour."""
        return self.series(bounds) * USD_A_MONTH if self.rhythm is Rhythm.SELDOM else self.usd(bounds)


def _values(by: By, bounds: Bounds) -> int:
    """Return the number of values of a dimension. A dimension that another one determines counts as 1."""
    names = 1 + len((*LISTING, PERSONALIZED_RANKING)) + bounds.versions + bounds.arms  # by `Dimension`
    counts = {By.NAME: names, By.REASON: REASONS, By.FIGURE: len(Drift), By.ROLE: len(ROLES), By.CONDITION: CONDITIONS}
    return counts.get(by, 1)


def _of(service: str, rhythm: Rhythm, *metrics: Metric, by: tuple[By, ...] = ()) -> Iterable[Written]:
    return (Written(metric, service, rhythm, by) for metric in metrics)


METRICS: Final[tuple[Written, ...]] = (
    *_of(
        "collect", Rhythm.HOURLY,
        Metric.EVENTS_ACCEPTED, Metric.ITEMS_ACCEPTED, Metric.USERS_ACCEPTED, Metric.ACTIONS_ACCEPTED,
    ),
    *_of(
        "collect", Rhythm.SELDOM,
        Metric.EVENTS_REJECTED, Metric.EVENTS_AHEAD, Metric.EVENTS_OF_ERASED_USERS, Metric.ROWS_OF_ERASED_USERS,
    ),
    *(
        Written(Metric.REQUESTS_REJECTED, service, Rhythm.SELDOM)
        for service in sorted({route.function for route in (*SIGNED_ROUTES.values(), *BASIC_ROUTES.values())})
    ),
    *_of(API_SERVICE, Rhythm.SELDOM, Metric.SIGNATURES_REFUSED, Metric.TOMBSTONES_DAMAGED, Metric.AGENT_REQUESTS),
    *_of("authorize_session", Rhythm.SELDOM, Metric.SESSION_TOKENS_REFUSED, Metric.SESSION_KEYS_STALE),
    *_of("erase_user", Rhythm.SELDOM, Metric.ERASURES_REQUESTED),
    *_of("purge_user", Rhythm.SELDOM, Metric.ERASURES_COMPLETED),
    *_of("operate", Rhythm.SELDOM, Metric.OPERATOR_CHANGES),
    *_of("export_user", Rhythm.SELDOM, Metric.USERS_EXPORTED),
    *_of("read_kafka", Rhythm.HOURLY, Metric.EVENTS_ACCEPTED),
    *_of("read_kafka", Rhythm.SELDOM, Metric.EVENTS_OF_ERASED_USERS, Metric.RECORDS_QUARANTINED),
    *_of("update_profiles", Rhythm.HOURLY, Metric.PROFILES_UPDATED, Metric.INTERACTIONS_APPLIED),
    *_of("update_profiles", Rhythm.SELDOM, Metric.RECORDS_UNREADABLE, Metric.EVENTS_OF_ERASED_USERS),
    *_of("archive_events", Rhythm.HOURLY, Metric.INTERACTIONS_ARCHIVED),
    *_of("archive_events", Rhythm.SELDOM, Metric.RECORDS_QUARANTINED, Metric.EVENTS_OF_ERASED_USERS),
    *_of("count_trends", Rhythm.HOURLY, Metric.TRENDS_COUNTED),
    *_of(
        "count_trends", Rhythm.SELDOM,
        Metric.TRENDS_REPEATED, Metric.RECORDS_UNREADABLE, Metric.EVENTS_OF_ERASED_USERS,
    ),
    *_of("exchange_batch", Rhythm.SELDOM, Metric.BATCH_USERS_DELIVERED),
    *_of("import_data", Rhythm.SELDOM, Metric.ROWS_IMPORTED, Metric.ROWS_REJECTED),
    *_of("compact_lake", Rhythm.DAILY, Metric.LAKE_OBJECTS_MERGED),
    *_of("compact_lake", Rhythm.SELDOM, Metric.LAKE_OBJECTS_UNREADABLE, Metric.LAKE_DAYS_EXPIRED),
    *_of("publish_catalog", Rhythm.HOURLY, Metric.CHANGES_LOGGED, Metric.ITEMS_PUBLISHED, Metric.SNAPSHOT_ROWS_MERGED),
    *_of(
        "publish_catalog", Rhythm.SELDOM,
        Metric.RECORDS_UNREADABLE, Metric.SNAPSHOT_MERGES_FAILED, Metric.SNAPSHOTS_TOO_LARGE,
        Metric.COLD_ITEMS_COMPARED, Metric.COLD_ITEMS_LEFT_OUT, Metric.COLD_ITEMS_FAILED,
    ),
    *_of("publish_lists", Rhythm.SELDOM, Metric.COLD_ITEMS_FAILED),
    *_of("start_training", Rhythm.TRAINING, Metric.TRAININGS_ADMITTED),
    *_of("build_dataset", Rhythm.TRAINING, Metric.DATASETS_BUILT),
    *_of("register_model", Rhythm.SELDOM, Metric.MODELS_REJECTED),
    *_of(
        "register_model", Rhythm.TRAINING,
        Metric.OFFLINE_NDCG, Metric.OFFLINE_COVERAGE_PERCENT, Metric.OFFLINE_POPULARITY_RATIO,
        Metric.ALGORITHMS_LEFT_OUT,
        by=(By.MODEL_VERSION,),
    ),
    *_of("register_model", Rhythm.TRAINING, Metric.GATE_NDCG, by=(By.ROLE,)),
    *_of("register_model", Rhythm.TRAINING, Metric.GATE_CONDITION_FAILED, by=(By.CONDITION,)),
    *_of("run_canary", Rhythm.TRAINING, Metric.MODELS_PROMOTED, Metric.CANARIES_PROMOTED),
    *_of("run_canary", Rhythm.SELDOM, Metric.CANARIES_ROLLED_BACK, Metric.MODELS_RETIRED),
    *_of(
        "recommend", Rhythm.SELDOM, Metric.RECOMMENDATIONS_EMPTY, Metric.RECOMMENDATIONS_SHORT,
        by=(By.RECOMMENDER, By.FILTER),
    ),
    *_of("recommend", Rhythm.HOURLY, Metric.RECOMMENDATIONS_SERVED, Metric.RECOMMENDATIONS_POPULAR,
         Metric.RECOMMENDATIONS_FILLED, Metric.RECOMMENDATIONS_COLD),
    *_of(
        "recommend", Rhythm.SELDOM,
        Metric.RECOMMENDATIONS_EMPTY, Metric.RECOMMENDATIONS_SHORT,
        Metric.RECOMMENDATIONS_DEGRADED, Metric.DEGRADED_TO_MODEL, Metric.DEGRADED_TO_SIMILAR,
        Metric.DEGRADED_TO_POPULAR, Metric.DEGRADED_TO_TRENDING, Metric.DEGRADED_TO_RECENT, Metric.DEGRADED_TO_NOTHING,
        Metric.SERVED_TO_UNKNOWN, Metric.RULES_APPLIED, Metric.RULES_UNMET,
        Metric.ACTION_ANSWERS, Metric.ACTION_ANSWERS_DEGRADED,
        Metric.BATCH_USERS_ANSWERED, Metric.BATCH_USERS_DEGRADED, Metric.BATCH_USERS_REFUSED,
        Metric.BATCH_USERS_NOT_DONE, Metric.COLD_ITEMS_FAILED,
    ),
    *_of("write_recommendations", Rhythm.SELDOM, Metric.RECOMMENDATIONS_WRITTEN),
    *_of("archive_served", Rhythm.HOURLY, Metric.SERVED_ARCHIVED),
    *_of("archive_served", Rhythm.SELDOM, Metric.RECORDS_QUARANTINED, Metric.ROWS_OF_ERASED_USERS),
    *_of(
        "attribute_outcomes", Rhythm.DAILY,
        Metric.CLICK_THROUGH, Metric.CONVERSION, Metric.REVENUE_PER_THOUSAND, Metric.COVERAGE, Metric.NOVELTY,
        Metric.NEW_ITEM_SHARE, Metric.DEGRADED_SHARE,
        by=(By.DIMENSION, By.NAME),
    ),
    *_of("attribute_outcomes", Rhythm.DAILY, Metric.EVENTS_NOT_ATTRIBUTED, by=(By.REASON,)),
    *_of("attribute_outcomes", Rhythm.HOURLY, Metric.DAYS_ATTRIBUTED),
    *_of("attribute_outcomes", Rhythm.SELDOM, Metric.COLD_ITEMS_FAILED),
    *_of(
        "monitor_models", Rhythm.HOURLY,
        Metric.CHAMPION_AGE_HOURS, Metric.LAKE_SILENT_HOURS, Metric.FIGURES_DRIFTED, Metric.CHECKS_FAILED,
    ),
    *_of("monitor_models", Rhythm.DAILY, Metric.UNKNOWN_ITEM_SHARE, Metric.UNKNOWN_USER_SHARE),
    *_of("monitor_models", Rhythm.DAILY, Metric.DRIFT_PSI, by=(By.FIGURE,)),
    *_of("monitor_models", Rhythm.SELDOM, Metric.TRAININGS_STARTED, Metric.COLD_ITEMS_FAILED, Metric.CHAMPION_FORCED),
)  # fmt: skip
"""Metrics by function. A test verifies them against the code of the functions."""


def declared(name: str, dimensions: Iterable[str]) -> list[Written]:
    expected = tuple(sorted(dimensions))
    return [writer for writer in METRICS if writer.metric == name and writer.dimensions == expected]


def document(bounds: Bounds) -> dict[str, Any]:
    return {
        "namespace": NAMESPACE,
        "metrics": [
            {
                "metric": str(each.metric),
                "service": each.service,
                "dimensions": ["service", *map(str, each.by)],
                "sent": str(each.rhythm),
                "series": each.series(bounds),
                "usd_a_month": round(each.usd(bounds), 4),
                "most_usd_a_month": round(each.max_usd(bounds), 4),
            }
            for each in METRICS
        ],
        "series": sum(each.series(bounds) for each in METRICS),
        "usd_a_month": round(sum(each.usd(bounds) for each in METRICS), 2),
        "most_usd_a_month": round(sum(each.max_usd(bounds) for each in METRICS), 2),
        "usd_a_series": USD_A_MONTH,
        "price_as_of": PRICE_AS_OF,
    }

"""The logger and the metrics of every function: one list of names, no personal data.

Metrics go out as embedded metric format (EMF) lines on standard output, which cost a request nothing.

The correlation id identifies a request in logs, on the stream and in the lake. It is the caller's, from the header
`x-correlation-id`, or else the API's own id of the request. It identifies no person: the caller's id may have only a
few characters of a limited set, and others are ignored.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from aws_lambda_powertools import Logger

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Alsolike")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "alsolike")


T = TypeVar("T")

CORRELATION_HEADER = "x-correlation-id"
MAX_CORRELATION_CHARACTERS = 64
"""A UUID has 36, W3C's traceparent 55."""
MAX_LOGGED_IDS = 10
"""Maximum number of correlation ids in a line of a consumer's log."""
_WELL_FORMED = re.compile(rf"[A-Za-z0-9._=:-]{{1,{MAX_CORRELATION_CHARACTERS}}}", re.ASCII)


def correlation_id_of(value: Any) -> str | None:
    """Return the value if it is a well-formed correlation id, else None."""
    return value if isinstance(value, str) and _WELL_FORMED.fullmatch(value) else None


API_SERVICE = "api"
"""The `service` of counters that several functions share: an alarm costs by the series that it watches."""


class _Invocation(logging.Filter):
    """Context fields of the log, added when a line is written: most requests write none.

    Powertools' `inject_lambda_context` and `set_correlation_id` add them at every request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.context: Any = None
        self.correlation_id: str | None = None
        # With provisioned concurrency, no request waited for the start.
        self.invocations = int(os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency")

    def begin(self, event: Any, context: Any) -> None:
        """Set the fields of an invocation; only requests to the API have a correlation id."""
        self.context = context
        self.invocations += 1
        self.correlation_id = None
        if isinstance(event, dict) and "routeKey" in event:
            header = (event.get("headers") or {}).get(CORRELATION_HEADER)
            self.correlation_id = correlation_id_of(header) or correlation_id_of(
                (event.get("requestContext") or {}).get("requestId")
            )

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; every line passes."""
        if self.context is not None:
            record.cold_start = self.invocations == 1
            record.function_name = self.context.function_name
            record.function_memory_size = self.context.memory_limit_in_mb
            record.function_arn = self.context.invoked_function_arn
            record.function_request_id = self.context.aws_request_id
        if self.correlation_id is not None:
            record.correlation_id = self.correlation_id
        return True


class Counters:
    """An invocation's counters: one line of EMF at its end, or none if it counted nothing.

    Powertools' Metrics would take a tenth of a request's own time.
    """

    def __init__(self, namespace: str, service: str) -> None:
        self._namespace, self._service = namespace, service
        self._counted: dict[str, int] = {}

    def add(self, name: str, value: int) -> None:
        """Add to a counter."""
        self._counted[name] = self._counted.get(name, 0) + value

    def clear(self) -> None:
        """Reset all counters."""
        self._counted = {}

    def write(self) -> None:
        """Write the line and reset the counters."""
        counted = self._counted
        self.clear()
        if counted:
            self._write_line(counted, {}, [["service"]])

    def write_one(self, name: str, dimensions: Mapping[str, str]) -> None:
        """Write 1 for a counter, in total and by the dimensions."""
        self._write_line({name: 1}, dimensions, [["service"], ["service", *dimensions]])

    def _write_line(
        self, counted: Mapping[str, int], dimensions: Mapping[str, str], dimension_sets: Sequence[Sequence[str]]
    ) -> None:
        units = [{"Name": name, "Unit": "Count"} for name in counted]
        directive = {"Namespace": self._namespace, "Dimensions": dimension_sets, "Metrics": units}
        document = {
            "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
            "service": self._service,
            **dimensions,
            **{name: [value] for name, value in counted.items()},
        }
        sys.stdout.write(f"{orjson.dumps(document).decode()}\n")


logger = Logger()
invocation = _Invocation()
logger.addFilter(invocation)
counters = Counters(os.environ["POWERTOOLS_METRICS_NAMESPACE"], os.environ["POWERTOOLS_SERVICE_NAME"])
shared_counters = Counters(os.environ["POWERTOOLS_METRICS_NAMESPACE"], API_SERVICE)


def instrumented(handler: Callable[[Any, Any], T]) -> Callable[[Any, Any], T]:
    """Decorate a handler: log lines get the invocation's context, and its counters are written at its end."""

    @functools.wraps(handler)
    def observing(event: Any, context: Any) -> T:
        invocation.begin(event, context)
        try:
            return handler(event, context)
        finally:
            counters.write()
            shared_counters.write()

    return observing


class Metric(StrEnum):
    """All business metrics, by the counted outcome; `operations.metric_writers` lists their functions."""

    EVENTS_ACCEPTED = "EventsAccepted"
    EVENTS_REJECTED = "EventsRejected"
    EVENTS_AHEAD = "EventsAhead"
    EVENTS_OF_ERASED_USERS = "EventsOfErasedUsers"
    ROWS_OF_ERASED_USERS = "RowsOfErasedUsers"
    ITEMS_ACCEPTED = "ItemsAccepted"
    USERS_ACCEPTED = "UsersAccepted"
    ACTIONS_ACCEPTED = "ActionsAccepted"
    REQUESTS_REJECTED = "RequestsRejected"
    SIGNATURES_REFUSED = "SignaturesRefused"
    SESSION_TOKENS_REFUSED = "SessionTokensRefused"
    TOMBSTONES_DAMAGED = "TombstonesDamaged"
    SESSION_KEYS_STALE = "SessionKeysStale"
    PROFILES_UPDATED = "ProfilesUpdated"
    INTERACTIONS_APPLIED = "InteractionsApplied"
    INTERACTIONS_ARCHIVED = "InteractionsArchived"
    RECORDS_QUARANTINED = "RecordsQuarantined"
    RECORDS_UNREADABLE = "RecordsUnreadable"
    TRENDS_COUNTED = "TrendsCounted"
    TRENDS_REPEATED = "TrendsRepeated"
    ROWS_IMPORTED = "RowsImported"
    ROWS_REJECTED = "RowsRejected"
    LAKE_OBJECTS_MERGED = "LakeObjectsMerged"
    LAKE_OBJECTS_UNREADABLE = "LakeObjectsUnreadable"
    LAKE_DAYS_EXPIRED = "LakeDaysExpired"
    ERASURES_REQUESTED = "ErasuresRequested"
    ERASURES_COMPLETED = "ErasuresCompleted"
    USERS_EXPORTED = "UsersExported"
    CHANGES_LOGGED = "ChangesLogged"
    ITEMS_PUBLISHED = "ItemsPublished"
    SNAPSHOT_ROWS_MERGED = "SnapshotRowsMerged"
    SNAPSHOT_MERGES_FAILED = "SnapshotMergesFailed"
    SNAPSHOTS_TOO_LARGE = "SnapshotsTooLarge"
    COLD_ITEMS_COMPARED = "ColdItemsCompared"
    COLD_ITEMS_LEFT_OUT = "ColdItemsLeftOut"
    COLD_ITEMS_FAILED = "ColdItemsFailed"
    TRAININGS_ADMITTED = "TrainingsAdmitted"
    DATASETS_BUILT = "DatasetsBuilt"
    OFFLINE_NDCG = "OfflineNdcg"
    OFFLINE_COVERAGE_PERCENT = "OfflineCoveragePercent"
    OFFLINE_POPULARITY_RATIO = "OfflinePopularityRatio"
    ALGORITHMS_LEFT_OUT = "AlgorithmsLeftOut"
    GATE_NDCG = "GateNdcg"
    GATE_CONDITION_FAILED = "GateConditionFailed"
    MODELS_PROMOTED = "ModelsPromoted"
    MODELS_REJECTED = "ModelsRejected"
    MODELS_RETIRED = "ModelsRetired"
    CANARIES_PROMOTED = "CanariesPromoted"
    CANARIES_ROLLED_BACK = "CanariesRolledBack"
    RECOMMENDATIONS_SERVED = "RecommendationsServed"
    RECOMMENDATIONS_POPULAR = "RecommendationsPopular"
    RECOMMENDATIONS_FILLED = "RecommendationsFilled"
    RECOMMENDATIONS_COLD = "RecommendationsCold"
    RECOMMENDATIONS_EMPTY = "RecommendationsEmpty"
    RECOMMENDATIONS_SHORT = "RecommendationsShort"
    RECOMMENDATIONS_DEGRADED = "RecommendationsDegraded"
    DEGRADED_TO_MODEL = "DegradedToModel"
    DEGRADED_TO_SIMILAR = "DegradedToSimilar"
    DEGRADED_TO_POPULAR = "DegradedToPopular"
    DEGRADED_TO_TRENDING = "DegradedToTrending"
    DEGRADED_TO_RECENT = "DegradedToRecent"
    DEGRADED_TO_NOTHING = "DegradedToNothing"
    SERVED_TO_UNKNOWN = "ServedToUnknown"
    SERVED_ARCHIVED = "ServedArchived"
    RULES_APPLIED = "RulesApplied"
    RULES_UNMET = "RulesUnmet"
    ACTION_ANSWERS = "ActionAnswers"
    ACTION_ANSWERS_DEGRADED = "ActionAnswersDegraded"
    BATCH_USERS_ANSWERED = "BatchUsersAnswered"
    BATCH_USERS_DEGRADED = "BatchUsersDegraded"
    BATCH_USERS_REFUSED = "BatchUsersRefused"
    BATCH_USERS_NOT_DONE = "BatchUsersNotDone"
    BATCH_USERS_DELIVERED = "BatchUsersDelivered"
    RECOMMENDATIONS_WRITTEN = "RecommendationsWritten"
    DAYS_ATTRIBUTED = "DaysAttributed"
    EVENTS_NOT_ATTRIBUTED = "EventsNotAttributed"
    CLICK_THROUGH = "ClickThrough"
    CONVERSION = "Conversion"
    REVENUE_PER_THOUSAND = "RevenuePerThousand"
    COVERAGE = "Coverage"
    NOVELTY = "Novelty"
    NEW_ITEM_SHARE = "NewItemShare"
    DEGRADED_SHARE = "DegradedShare"
    DRIFT_PSI = "DriftPsi"
    FIGURES_DRIFTED = "FiguresDrifted"
    CHECKS_FAILED = "ChecksFailed"
    UNKNOWN_ITEM_SHARE = "UnknownItemShare"
    UNKNOWN_USER_SHARE = "UnknownUserShare"
    CHAMPION_AGE_HOURS = "ChampionAgeHours"
    CHAMPION_FORCED = "ChampionForced"
    LAKE_SILENT_HOURS = "LakeSilentHours"
    TRAININGS_STARTED = "TrainingsStarted"
    OPERATOR_CHANGES = "OperatorChanges"


def log_refusal(error: Exception) -> None:
    """Log a rejected request: the error's type and its cause's, whose texts may quote the request."""
    logger.warning("request refused", error_type=type(error).__name__, cause_type=type(error.__cause__).__name__)


def count(metric: Metric, value: int = 1) -> None:
    """Add `value` to a counter; `instrumented` writes it when the invocation ends.

    Nothing is written of 0: CloudWatch takes money for each hour in which a counter is sent.
    """
    if value:
        counters.add(metric.value, value)


def count_shared(metric: Metric) -> None:
    """Add 1 to a counter that several functions share."""
    shared_counters.add(metric.value, 1)


def count_all(metrics: Iterable[Metric]) -> None:
    """Add 1 to each counter; see `count`."""
    for metric in metrics:
        counters.add(metric.value, 1)


def count_by(metric: Metric, **dimensions: str) -> None:
    """Write 1 for a counter of the function, in total and by dimensions of its own, at once.

    For rare outcomes: each combination of values is a metric that CloudWatch charges for.
    """
    counters.write_one(metric.value, dimensions)


def report(values: Mapping[Metric, float], **dimensions: str) -> None:
    """Write values that are no counts under dimensions of their own, at once."""
    from aws_lambda_powertools.metrics import MetricUnit  # requests report nothing, and are not to wait for its import
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    apart = AmazonCloudWatchEMFProvider()
    for name, value in dimensions.items():
        apart.add_dimension(name, value)
    for metric, number in values.items():
        apart.add_metric(name=metric, unit=MetricUnit.NoUnit, value=number)
    if values:
        apart.flush_metrics()

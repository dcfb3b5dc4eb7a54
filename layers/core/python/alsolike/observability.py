"""The logger and the metrics of every function: one list of names, no personal data.

Metrics go out as embedded metric format (EMF) lines on standard output, which cost a request nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Alsolike")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "alsolike")


class _QuietWhenEmpty(AmazonCloudWatchEMFProvider):
    """An invocation that fails has counted nothing; its error says more than a warning about that."""

    def flush_metrics(self, raise_on_empty_metrics: bool = False) -> None:
        if self.metric_set:
            super().flush_metrics(raise_on_empty_metrics)


logger = Logger()
metrics = Metrics(provider=_QuietWhenEmpty())


class Metric(StrEnum):
    """Every business metric, by the outcome that it counts; `alsolike.custom_metrics` says who writes it and how."""

    EVENTS_ACCEPTED = "EventsAccepted"
    EVENTS_AHEAD = "EventsAhead"
    EVENTS_OF_ERASED_USERS = "EventsOfErasedUsers"
    ROWS_OF_ERASED_USERS = "RowsOfErasedUsers"
    ITEMS_ACCEPTED = "ItemsAccepted"
    USERS_ACCEPTED = "UsersAccepted"
    REQUESTS_REJECTED = "RequestsRejected"
    SESSION_TOKENS_REFUSED = "SessionTokensRefused"
    SESSION_KEYS_STALE = "SessionKeysStale"
    PROFILES_UPDATED = "ProfilesUpdated"
    INTERACTIONS_APPLIED = "InteractionsApplied"
    INTERACTIONS_ARCHIVED = "InteractionsArchived"
    RECORDS_QUARANTINED = "RecordsQuarantined"
    RECORDS_UNREADABLE = "RecordsUnreadable"
    TRENDS_COUNTED = "TrendsCounted"
    TRENDS_REPEATED = "TrendsRepeated"
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
    RULES_GAVE = "RulesGave"
    BATCH_USERS_ANSWERED = "BatchUsersAnswered"
    BATCH_USERS_DEGRADED = "BatchUsersDegraded"
    BATCH_USERS_REFUSED = "BatchUsersRefused"
    BATCH_USERS_NOT_DONE = "BatchUsersNotDone"
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
    LAKE_SILENT_HOURS = "LakeSilentHours"
    TRAININGS_STARTED = "TrainingsStarted"
    OPERATOR_CHANGES = "OperatorChanges"


def log_refusal(error: Exception) -> None:
    """Log that a request was refused: the error's type and its cause's, whose texts may quote the request."""
    logger.warning("request refused", error_type=type(error).__name__, cause_type=type(error.__cause__).__name__)


def count(metric: Metric, value: int = 1) -> None:
    """Add `value` to a counter; the handler's `metrics.log_metrics` writes it when the invocation ends.

    Nothing is written of 0: CloudWatch takes money for each hour in which a counter is sent.
    """
    if value:
        metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)


def report(values: Mapping[Metric, float], **dimensions: str) -> None:
    """Write values that are no counts under dimensions of their own, at once."""
    apart = AmazonCloudWatchEMFProvider()
    for name, value in dimensions.items():
        apart.add_dimension(name, value)
    for metric, number in values.items():
        apart.add_metric(name=metric, unit=MetricUnit.NoUnit, value=number)
    if values:
        apart.flush_metrics()

"""Typed settings of how models come and go: training, dataset engines, gate, trials, drift."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Literal

from infra_cdk.settings_checks import rate_s, require, require_ranges, require_schedules

_INSTANCE = re.compile(r"ml\.[a-z][a-z0-9]*(-[a-z0-9]+)*\.(medium|large|([1-9]\d*)?xlarge)")
_ALGORITHM = re.compile(r"[a-z][a-z0-9_]*")
# A run has 25,000: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
# A look at a canary is two events of waiting, five of a function and two of a choice. Further attempts have the rest.
_EVENTS_OF_A_LOOK, _EVENTS_FOR_LOOKS = 9, 20_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The part of an environment's settings that is about models.

    Attributes
    ----------
    training_schedule, monitoring_schedule
        EventBridge schedule expressions; None leaves training or monitoring to be started by hand.
    training_spot, training_max_wait_s
        Train on spare capacity, which costs less. A job that loses it resumes from its checkpoints. The maximum wait
        for capacity includes the time of the training.
    training_instances, training_processes
        Hosts of the job, and processes on each, that share the training of SASRec; all else runs in one.
    training_algorithms, training_budget_s, training_budget_mb
        Algorithms that are compared, all where none is named, and how long and in how much memory.
    training_package
        Folder, from the repository's root, with modules or packages of own algorithms, which the job imports.
    sentence_model
        Folder, from the repository's root or absolute, with a static sentence model that new items' titles are compared
        by; see docs/cold-start.md.
    dataset_engine, spark_above_mb, spark_workers, spark_worker_type, spark_timeout_minutes
        What builds datasets: a function up to so many MB of the lake's objects, Spark on Glue past that; or one always.
    spark_statistics, spark_sample_interactions
        Whether Spark also counts what item-to-item models are fitted from, and about how many interactions, of some
        users, the training then reads to choose and judge them by; see docs/scale.md.
    gate_…
        What a version has to show before it may go on trial, see docs/gate.md.
    canary_share_percent, canary_duration_s, canary_interval_s
        Share of users whom a version on trial answers, 0 for no trial; for how long; how often it is looked at.
    canary_max_error_percent, canary_max_latency_percent
        Maximum increase of its error share in points, and of its latency, before the trial ends.
    models_kept
        How many versions stay that are neither live, on trial, last good nor pinned.
    dataset_days
        Age after which the next training deletes a dataset; the latest and those of the champion and of what a rollback
        returns to stay, at most 90 days.
    drift_psi_percent, drift_hours, drift_retrains
        Population stability index (in hundredths) that counts as drift, how long it has to hold, and whether it then
        starts a training.
    retrain_interactions
        So many interactions after the champion's last start a training; None for no such start.
    lake_silent_hours, champion_stale_days
        Age of the latest event in the lake, and in the champion's data, above which the operators are notified.
    """

    training_schedule: str | None = "rate(7 days)"
    training_instance_type: str = "ml.m5.xlarge"
    training_volume_gb: int = 30
    training_instances: int = 1
    training_processes: int = 1
    training_max_runtime_s: int = 14_400
    training_spot: bool = True
    training_max_wait_s: int = 28_800
    training_algorithms: Sequence[str] = ()
    training_budget_s: int | None = None
    training_budget_mb: int | None = None
    training_package: str | None = None
    sentence_model: str | None = None
    dataset_engine: Literal["auto", "lambda", "spark"] = "auto"
    spark_above_mb: int = 300
    spark_workers: int = 10
    spark_worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    spark_timeout_minutes: int = 480
    spark_statistics: bool = False
    spark_sample_interactions: int = 5_000_000
    gate_min_interactions: int = 1_000
    gate_min_users: int = 50
    gate_max_age_days: int | None = 30
    gate_min_compared_users: int = 30
    gate_tolerance_percent: int = 5
    gate_max_slice_drop_percent: int = 25
    gate_max_fall_percent: int = 80
    gate_min_coverage_percent: int = 1
    gate_max_popularity_ratio: int = 10
    gate_max_latency_ms: int = 50
    canary_share_percent: int = 10
    canary_duration_s: int = 86_400
    canary_interval_s: int = 300
    canary_max_error_percent: int = 1
    canary_max_latency_percent: int = 50
    models_kept: int = 10
    dataset_days: int = 7
    monitoring_schedule: str | None = "rate(1 hour)"
    drift_psi_percent: int = 25
    drift_hours: int = 24
    drift_retrains: bool = True
    retrain_interactions: int | None = None
    lake_silent_hours: int = 24
    champion_stale_days: int = 30

    def __post_init__(self) -> None:
        require_ranges(self, _RANGES)
        require_schedules(self, ("training_schedule", "monitoring_schedule"))
        require(
            self.training_max_wait_s,
            not self.training_spot or self.training_max_wait_s >= self.training_max_runtime_s,
            "training_max_wait_s",
            f"at least training_max_runtime_s, {self.training_max_runtime_s}, for waiting includes the work",
        )
        budget_s = self.training_budget_s
        require(
            budget_s,
            budget_s is None or budget_s <= self.training_max_runtime_s,
            "training_budget_s",
            f"at most training_max_runtime_s, {self.training_max_runtime_s}",
        )
        for algorithm in self.training_algorithms:
            require(algorithm, bool(_ALGORITHM.fullmatch(algorithm)), "training_algorithms", "names of a-z, 0-9 and _")
        require(
            self.training_algorithms,
            not self.training_algorithms or "popularity" in self.training_algorithms,
            "training_algorithms",
            "popularity among them, for the gate measures the others by it",
        )
        names = list(self.training_algorithms)
        require(names, len(set(names)) == len(names), "training_algorithms", "each name once")
        instance = self.training_instance_type
        require(instance, bool(_INSTANCE.fullmatch(instance)), "training_instance_type", "ml.FAMILY.SIZE: ml.m5.xlarge")
        require(
            self.retrain_interactions,
            self.retrain_interactions is None or self.monitoring_schedule is not None,
            "retrain_interactions",
            "null where monitoring_schedule is null: nobody would count them",
        )
        self._check_trial()

    def _check_trial(self) -> None:
        least = math.ceil(2 * self.canary_duration_s * _EVENTS_OF_A_LOOK / _EVENTS_FOR_LOOKS)
        require(
            self.canary_interval_s,
            self.canary_interval_s >= least,
            "canary_interval_s",
            f"at least {least} where canary_duration_s is {self.canary_duration_s}: Step Functions gives a run 25,000 "
            "events, and a look takes nine",
        )
        require(
            self.canary_interval_s,
            self.canary_interval_s <= self.canary_duration_s,
            "canary_interval_s",
            f"at most canary_duration_s, {self.canary_duration_s}: a trial is looked at before it ends",
        )
        gap_s = rate_s(self.training_schedule)
        require(
            self.training_schedule,
            gap_s is None or not self.canary_share_percent or gap_s > self.canary_duration_s,
            "training_schedule",
            f"a gap longer than canary_duration_s, {self.canary_duration_s} s: a run lasts as long as its trial, "
            "and the next would find it going and do nothing",
        )

    @property
    def training_wait_s(self) -> int:
        """The maximum duration of a training job, including the wait for spare capacity if that is used."""
        return self.training_max_wait_s if self.training_spot else self.training_max_runtime_s


# Field, least, most.
_RANGES = (
    ("training_volume_gb", 1, 16_384),
    ("training_instances", 1, 20),
    ("training_processes", 1, 64),
    ("training_max_runtime_s", 60, 432_000),
    ("training_max_wait_s", 60, 2_592_000),
    ("training_budget_s", 10, 432_000),
    ("training_budget_mb", 100, 4_000_000),
    ("spark_above_mb", 1, 1_000_000),
    ("spark_workers", 2, 299),
    ("spark_timeout_minutes", 1, 10_080),
    ("spark_sample_interactions", 1_000, 10**9),
    ("gate_min_interactions", 1, 10**12),
    ("gate_min_users", 1, 10**9),
    ("gate_max_age_days", 1, 36_500),
    ("gate_min_compared_users", 2, 10**9),
    ("gate_tolerance_percent", 0, 100),
    ("gate_max_slice_drop_percent", 0, 100),
    ("gate_max_fall_percent", 0, 100),
    ("gate_min_coverage_percent", 0, 100),
    ("gate_max_popularity_ratio", 1, 1_000_000),
    ("gate_max_latency_ms", 1, 10_000),
    ("canary_share_percent", 0, 99),
    ("canary_duration_s", 1, 604_800),
    ("canary_interval_s", 1, 86_400),
    ("canary_max_error_percent", 0, 100),
    ("canary_max_latency_percent", 0, 10_000),
    ("models_kept", 1, 1_000),
    ("dataset_days", 1, 90),
    ("drift_psi_percent", 1, 1_000),
    ("drift_hours", 1, 8_760),
    ("retrain_interactions", 1, 10**12),
    ("lake_silent_hours", 1, 8_760),
    ("champion_stale_days", 1, 36_500),
)

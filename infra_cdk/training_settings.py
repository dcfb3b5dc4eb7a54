"""Settings of models: instance and limits of the training job, dataset engine and drift."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Literal

from alsolike.declarations import shared_defaults
from alsolike.declarations.canary import CanarySettings
from alsolike.declarations.schedule_expressions import Rate, parse_schedule
from alsolike.declarations.settings import setting
from infra_cdk.settings_checks import require, require_forms, require_ranges, require_schedules

_FORMS = {
    "training_instance_type": (
        r"ml\.[a-z][a-z0-9]*(-[a-z0-9]+)*\.(medium|large|([1-9]\d*)?xlarge)",
        "ml.FAMILY.SIZE: ml.m5.xlarge",
    ),
    "training_algorithms": ("[a-z][a-z0-9_]*", "names of a-z, 0-9 and _"),
    "training_objective": (
        r"[A-Za-z][A-Za-z0-9_]*:(?!0+(\.0+)?$)\d+(\.\d+)?",
        "terms with weights above 0, such as purchase:10",
    ),
}
# https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html
_LOCAL_DISK = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g[4-6][a-z]*|p[4-6][a-z]*(-[a-z]+\d+)?|trn\d[a-z]*)\.")
# A run can have 25,000 events: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
# A check of a canary has nine events: two of a wait, five of a function and two of a choice. 5,000 remain for retries.
_EVENTS_PER_CHECK, _EVENTS_FOR_CHECKS = 9, 20_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings(CanarySettings):
    training_schedule: str | None = setting(
        "rate(7 days)",
        "EventBridge schedule; null: manual only. With a canary, a rate must be longer than `canary_duration_s`, "
        "because a run includes its canary",
    )
    training_instance_type: str = setting(
        shared_defaults.TRAINING_INSTANCE_TYPE, "Instance type of the SageMaker job ([training](training.md))"
    )
    training_volume_gb: int = setting(shared_defaults.TRAINING_VOLUME_GB, "Volume of the job", (1, 16_384))
    training_max_runtime_s: int = setting(
        shared_defaults.TRAINING_MAX_RUNTIME_S, "Maximum run time of the job", (60, 432_000)
    )
    training_spot: bool = setting(
        True,
        "Use spot capacity, or on-demand instances if the account has no spot quota. An interrupted job resumes from "
        "its checkpoints",
    )
    training_max_wait_s: int = setting(
        28_800, "Maximum run time of a spot job including its wait, at least `training_max_runtime_s`", (60, 2_592_000)
    )
    training_algorithms: Sequence[str] = setting(
        (), "Compared algorithms, `popularity` among them; an empty list compares all"
    )
    training_budget_s: int | None = setting(
        None,
        "Processor seconds that the fits of a training may take; null: half of `training_max_runtime_s`, because most "
        "fits use one processor",
        (10, 432_000),
    )
    training_budget_mb: int | None = setting(
        None, "Memory budget of the comparison; null: four fifths of the machine", (100, 4_000_000)
    )
    training_objective: Sequence[str] = setting(
        (),
        "[Objective](reranking.md#objective) of the reranker, such as `click:1` and `purchase:10`; an empty list "
        "counts clicks",
    )
    training_package: str | None = setting(
        None, "Folder, from the repository's root, with [algorithms of your own](training.md#algorithms-of-your-own)"
    )
    training_network: bool = setting(
        True,
        "Network access of the job; false: [isolated](training.md#without-a-network). It and the Glue job then get "
        "their packages from `python -m layers.build training`, not from a package index",
    )
    sentence_model: str | None = setting(
        None, "Folder with a static sentence model for [titles of new items](cold-start.md#titles-by-their-meaning)"
    )
    dataset_engine: Literal["auto", "lambda", "spark"] = setting(
        shared_defaults.DATASET_ENGINE, "Dataset builder; `auto` uses [Spark](spark.md) above `spark_above_mb`"
    )
    spark_above_mb: int = setting(
        shared_defaults.SPARK_ABOVE_MB, "Size of the lake's interactions above which `auto` uses Spark", (1, 1_000_000)
    )
    spark_workers: int = setting(10, "Workers of the Glue job", (2, 299))
    spark_worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = setting("G.1X", "Worker type of the Glue job")
    spark_flexible: bool = setting(
        True, "Workers of spare capacity for the Glue job, for two thirds of the price; `G.4X` and `G.8X` have none"
    )
    spark_timeout_minutes: int = setting(480, "Maximum run time of the Glue job", (1, 10_080))
    spark_statistics: bool = setting(
        False, "Spark also computes the [statistics](scale.md#statistics) of item-to-item models"
    )
    spark_sample_interactions: int = setting(
        shared_defaults.SPARK_SAMPLE_INTERACTIONS,
        "Size of the sample for evaluation with Spark's statistics",
        (1_000, 10**9),
    )
    models_kept: int = setting(
        shared_defaults.MODELS_KEPT, "Other versions whose [files are kept](models.md#retention-of-files)", (1, 1_000)
    )
    dataset_days: int = setting(
        shared_defaults.DATASET_DAYS,
        "Age after which the next training deletes a dataset, except the latest and those of the champion and the "
        "rollback version (90 days)",
        (1, 90),
    )
    monitoring_schedule: str | None = setting(
        "rate(1 hour)",
        "Schedule of [drift](drift.md) checks; null: only by `alsolike drift --refresh`. Alarms cover its longest "
        "interval, at most a week",
    )
    drift_psi_percent: int = setting(25, "Threshold of the population stability index, in hundredths", (1, 1_000))
    drift_hours: int = setting(24, "Duration above the threshold that counts as drift", (1, 8_760))
    drift_retrains: bool = setting(True, "Drift starts a training")
    retrain_interactions: int | None = setting(
        None,
        "Number of new interactions that starts a training; null: none. Needs a `monitoring_schedule`",
        (1, 10**12),
    )
    lake_silent_hours: int = setting(24, "Alarm threshold: hours without an event in the lake", (1, 8_760))
    champion_stale_days: int = setting(
        30, "Alarm threshold: age of the latest event in the champion's data", (1, 36_500)
    )

    def __post_init__(self) -> None:
        require_ranges(self)
        require_forms(self, _FORMS)
        require_schedules(self, ("training_schedule", "monitoring_schedule"))
        names, runtime_s, duration_s = self.training_algorithms, self.training_max_runtime_s, self.canary_duration_s
        interval_s = math.ceil(2 * duration_s * _EVENTS_PER_CHECK / _EVENTS_FOR_CHECKS)
        schedule = parse_schedule(self.training_schedule) if self.training_schedule else None
        for field, condition, expectation in (
            (
                "training_max_wait_s",
                not self.training_spot or self.training_max_wait_s >= runtime_s,
                f"at least training_max_runtime_s, {runtime_s}, for waiting includes the work",
            ),
            (
                "training_budget_s",
                self.training_budget_s is None or self.training_budget_s <= runtime_s,
                f"at most training_max_runtime_s, {runtime_s}",
            ),
            (
                "training_algorithms",
                not names or "popularity" in names,
                "popularity among them, for the gate measures the others by it",
            ),
            ("training_algorithms", len(set(names)) == len(names), "each name once"),
            (
                "retrain_interactions",
                self.retrain_interactions is None or self.monitoring_schedule is not None,
                "null where monitoring_schedule is null: no check would count them",
            ),
            (
                "canary_interval_s",
                self.canary_interval_s >= interval_s,
                f"at least {interval_s} where canary_duration_s is {duration_s}: Step Functions gives a run 25,000 "
                "events, and a look takes nine",
            ),
            (
                "canary_interval_s",
                self.canary_interval_s <= duration_s,
                f"at most canary_duration_s, {duration_s}: a canary is evaluated before it ends",
            ),
            (
                "training_schedule",
                not (isinstance(schedule, Rate) and self.canary_share_percent) or schedule.interval_s > duration_s,
                f"a gap longer than canary_duration_s, {duration_s} s: a run lasts as long as its canary, and the next "
                "would find it going and do nothing",
            ),
        ):
            require(self, field, condition, expectation)

    @property
    def training_has_local_disk(self) -> bool:
        """True if the machine has a local disk instead of an EBS volume."""
        return bool(_LOCAL_DISK.match(self.training_instance_type))

    @property
    def training_wait_s(self) -> int:
        """Maximum duration of a training job, including the wait for spot capacity if it is used."""
        return self.training_max_wait_s if self.training_spot else self.training_max_runtime_s

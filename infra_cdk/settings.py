"""Typed settings of an environment."""

import dataclasses
import datetime as dt
import math
import re
from collections.abc import Sequence
from typing import Literal

from infra_cdk.regions import PANDAS_LAYERS, TRAINING_REGISTRIES

# What CloudWatch Logs accepts: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
MAX_RECORD_AGE_HOURS = 168
"""Lambda's limit."""

# It becomes part of the token endpoint's host name: 63 characters at most, none of the three words.
_NAME = re.compile(r"(?!.*(aws|amazon|cognito))[a-z]([a-z0-9-]{0,14}[a-z0-9])?")
_SCHEDULE = re.compile(r"(rate|cron)\(.+\)")
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
# As browsers write them: in lower case, without a path.
_ORIGIN = re.compile(rf"(https://{_LABEL}(\.{_LABEL})*|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{{0,4}})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ALGORITHM = re.compile(r"[a-z][a-z0-9_]*")
# A run has 25,000: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
# A look at a canary is two of waiting, five of a function and two of a choice. What attempts add has the rest.
_EVENTS_OF_A_LOOK, _EVENTS_FOR_LOOKS = 9, 20_000


class InvalidSettings(ValueError):
    """An environment's settings cannot be used; the message says which, why and where."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything in which one environment differs from another.

    Attributes
    ----------
    name
        Of the environment; part of the names of its stacks and of its SSM parameters.
    region, account
        Where it is deployed. Tables of what AWS publishes by region are read at synthesis, so the region is
        fixed; without an account, the CLI's credentials decide.
    removal_policy
        What happens to buckets, tables and streams when their stack goes.
    update_window_s, archive_window_s, trends_window_s, publish_window_s
        How long a batch is gathered before `update_profiles`, `archive_events`, `count_trends` and `publish_catalog`
        see it.
    update_retries
        How often a batch of `update_profiles` or `count_trends` is tried again; -1 until its records are too old. A try
        against a table that does not answer takes seconds, so that the default outlasts a failure of an hour, and a
        defect that one record brings out does not hold up its shard for a day. `archive_events` has no such limit: the
        lake must not miss an hour because its bucket did.
    training_schedule, compaction_schedule, attribution_schedule, monitoring_schedule
        EventBridge schedule expressions; None leaves training, the lake's upkeep or attribution to be started by hand.
    attribution_window_days
        So many days after an answer an event counts for it.
    lake_first_date
        The first day that SQL sees. Athena looks into every day from here on that a query does not rule out, so a day
        close to the first event makes queries faster; events before it are seen by training alone.
    lake_cold_days
        Age at which the lake's objects move to S3 Intelligent-Tiering, which stores what nobody reads for less and
        asks nothing for reading it; None leaves them where they are.
    served_days
        How long the lake keeps what was recommended.
    quarantine_alarm_percent
        Share of unreadable records above which people are told.
    error_alarm_percent, latency_alarm_ms, degraded_alarm_percent
        Shares of failed requests and of degraded answers, and the time of the slowest hundredth, above which they are.
    training_spot, training_max_wait_s
        Train on spare capacity, which costs less and may be taken away: then the job goes on from its checkpoints. How
        long it waits for capacity, work included.
    training_instances, training_processes
        Hosts of the job, and processes on each, that share the training of SASRec; all else runs in one.
    training_algorithms, training_budget_s, training_budget_mb
        Algorithms that are compared, all where none is named, and how long and in how much memory.
    training_package
        Folder, from the repository's root, with modules or packages of own algorithms, which the job imports.
    dataset_engine, spark_above_mb, spark_workers, spark_worker_type, spark_timeout_minutes
        What builds datasets: a function up to so many MB of the lake's objects, Spark on Glue past that; or one always.
    spark_statistics
        Whether Spark also counts what item-to-item models can be fitted from, see docs/scale.md.
    gate_…
        What a version has to show before it may go on trial, see docs/gate.md.
    canary_share_percent, canary_duration_s, canary_interval_s
        Share of users whom a version on trial answers, 0 for no trial; for how long; how often it is looked at.
    canary_max_error_percent, canary_max_latency_percent
        How many points more of its answers may fail, and how much slower they may be, before it is taken back.
    models_kept
        How many versions stay that are neither live, on trial, last good nor pinned.
    drift_psi_percent, drift_hours, drift_retrains
        Population stability index (in hundredths) that counts as drift, how long it has to hold, and whether it then
        starts a training.
    retrain_interactions
        So many interactions after the champion's last start a training; None for no such start.
    lake_silent_hours, champion_stale_days
        People are told where the lake has had no event for longer, and where the champion's last event is older.
    training_image, pandas_layer_arn
        Replace what the tables by region say.
    tombstone_check_s
        How old a function's list of erased users may be: how soon all of them know of an erasure.
    erasure_settle_s
        How long an erasure waits before it searches: as long as what began before it may still run. No function of
        Lambda's runs for more than 15 minutes.
    pseudonymise_ids
        Whether the API replaces the ids of users and sessions by keyed hashes before anything is stored. It cannot be
        changed later: the same person would be two.
    time_budget_ms
        How long an answer with recommendations may take before less than the model's is answered, and half of it how
        long the profile may take; 0 for as long as it takes.
    throttle_rate_per_s, throttle_burst
        Of a route without limits of its own. Every route has some by what its token has to be: `recommend_…` those that
        read recommendations, `events_…` those that send events, items and users, `session_…` those of browsers,
        `admin_…` those that administer. Each route has a bucket of its own.
    session_cache_s
        How long API Gateway lets a token of a session pass that was checked once: so much later than its end, too.
    cors_origins
        Origins of the pages that may call the API from a browser, such as https://shop.example.
    snap_start, provisioned_concurrency
        Two ways of starting the functions behind the API quickly; Lambda refuses both together.
    batch_concurrency
        How many batches of a run are answered at a time, by the function that also answers the API.
    """

    name: str
    region: str
    account: str | None = None
    architecture: Literal["arm64", "x86_64"] = "arm64"
    removal_policy: Literal["retain", "destroy"] = "retain"
    log_retention_days: int = 30
    stream_mode: Literal["provisioned", "on-demand"] = "provisioned"
    stream_shards: int = 1
    stream_retention_hours: int = 24
    update_batch_size: int = 100
    update_window_s: int = 0
    archive_batch_size: int = 10_000
    archive_window_s: int = 60
    trends_window_s: int = 10
    update_retries: int = 1_000
    publish_window_s: int = 20
    compaction_schedule: str | None = "rate(1 day)"
    attribution_schedule: str | None = "rate(1 hour)"
    attribution_window_days: int = 7
    lake_first_date: str = "1970-01-01"
    lake_cold_days: int | None = 30
    served_days: int = 90
    quarantine_alarm_percent: int = 1
    error_alarm_percent: int = 1
    latency_alarm_ms: int = 1_000
    degraded_alarm_percent: int = 5
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
    dataset_engine: Literal["auto", "lambda", "spark"] = "auto"
    spark_above_mb: int = 500
    spark_workers: int = 10
    spark_worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    spark_timeout_minutes: int = 480
    spark_statistics: bool = False
    gate_min_interactions: int = 1_000
    gate_min_users: int = 50
    gate_max_age_days: int | None = 30
    gate_min_compared_users: int = 30
    gate_tolerance_percent: int = 5
    gate_max_slice_drop_percent: int = 25
    gate_min_coverage_percent: int = 1
    gate_max_popularity_ratio: int = 10
    gate_max_latency_ms: int = 50
    canary_share_percent: int = 10
    canary_duration_s: int = 86_400
    canary_interval_s: int = 300
    canary_max_error_percent: int = 1
    canary_max_latency_percent: int = 50
    models_kept: int = 10
    monitoring_schedule: str | None = "rate(1 hour)"
    drift_psi_percent: int = 25
    drift_hours: int = 24
    drift_retrains: bool = True
    retrain_interactions: int | None = None
    lake_silent_hours: int = 24
    champion_stale_days: int = 30
    training_image: str | None = None
    pandas_layer_arn: str | None = None
    champion_check_s: int = 30
    configuration_check_s: int = 30
    snapshot_check_s: int = 30
    trends_check_s: int = 30
    tombstone_check_s: int = 5
    erasure_settle_s: int = 960
    pseudonymise_ids: bool = False
    time_budget_ms: int = 100
    snap_start: bool = False
    provisioned_concurrency: int = 0
    batch_concurrency: int = 10
    throttle_rate_per_s: int = 500
    throttle_burst: int = 1_000
    recommend_rate_per_s: int = 300
    recommend_burst: int = 600
    events_rate_per_s: int = 300
    events_burst: int = 600
    session_rate_per_s: int = 300
    session_burst: int = 600
    admin_rate_per_s: int = 50
    admin_burst: int = 100
    session_cache_s: int = 60
    cors_origins: Sequence[str] = ()
    token_validity_minutes: int = 60
    alarm_email: str | None = None

    def __post_init__(self) -> None:
        _require(
            self.name,
            bool(_NAME.fullmatch(self.name)),
            "name",
            "1 to 16 lower-case letters, digits and hyphens, a letter first, without aws, amazon or cognito in it",
        )
        _require(
            self.log_retention_days,
            self.log_retention_days in LOG_RETENTION_DAYS,
            "log_retention_days",
            f"one of {sorted(LOG_RETENTION_DAYS)}",
        )
        for field, least, most in _RANGES:
            value = getattr(self, field)
            _require(value, value is None or least <= value <= most, field, f"{least} to {most}")
        for field in ("training_schedule", "compaction_schedule", "attribution_schedule", "monitoring_schedule"):
            schedule = getattr(self, field)
            _require(schedule, schedule is None or bool(_SCHEDULE.fullmatch(schedule)), field, "rate(...) or cron(...)")
        _require(self.lake_first_date, _is_date(self.lake_first_date), "lake_first_date", "a day such as 2020-01-31")
        email = self.alarm_email
        _require(
            email, email is None or bool(_EMAIL.fullmatch(email)), "alarm_email", "an address such as a@example.com"
        )
        for origin in self.cors_origins:
            _require(
                origin,
                bool(_ORIGIN.fullmatch(origin)),
                "cors_origins",
                "https://HOST or https://HOST:PORT in lower case, or http:// with localhost or 127.0.0.1",
            )
        _require(
            self.provisioned_concurrency,
            not (self.snap_start and self.provisioned_concurrency),
            "provisioned_concurrency",
            "0 where snap_start is on: Lambda refuses both on one function",
        )
        _require(
            self.training_max_wait_s,
            not self.training_spot or self.training_max_wait_s >= self.training_max_runtime_s,
            "training_max_wait_s",
            f"at least training_max_runtime_s, {self.training_max_runtime_s}, for waiting includes the work",
        )
        budget_s = self.training_budget_s
        _require(
            budget_s,
            budget_s is None or budget_s <= self.training_max_runtime_s,
            "training_budget_s",
            f"at most training_max_runtime_s, {self.training_max_runtime_s}",
        )
        for algorithm in self.training_algorithms:
            _require(algorithm, bool(_ALGORITHM.fullmatch(algorithm)), "training_algorithms", "names of a-z, 0-9 and _")
        least = math.ceil(2 * self.canary_duration_s * _EVENTS_OF_A_LOOK / _EVENTS_FOR_LOOKS)
        _require(
            self.canary_interval_s,
            self.canary_interval_s >= least,
            "canary_interval_s",
            f"at least {least} where canary_duration_s is {self.canary_duration_s}: Step Functions gives a run 25,000 "
            "events, and a look takes nine",
        )

    @property
    def training_wait_s(self) -> int:
        """How long a training job takes at most, with the wait for spare capacity where that is used."""
        return self.training_max_wait_s if self.training_spot else self.training_max_runtime_s

    @property
    def record_age_hours(self) -> int:
        """The age at which consumers give a record up: an hour before the stream forgets it, a week at most.

        A record that the stream has forgotten cannot be kept elsewhere any more.
        """
        return min(self.stream_retention_hours - 1, MAX_RECORD_AGE_HOURS)

    @property
    def recommend_storage_mb(self) -> int:
        """The size of `recommend`'s /tmp, for bundles and the catalogue; SnapStart allows no more than 512 MB."""
        return 512 if self.snap_start else 2_048

    @property
    def max_bundle_mb(self) -> int:
        """The largest bundle that may serve: `recommend` has two while it swaps them.

        Of its /tmp a tenth is kept free; of the rest bundles have two thirds, catalogue snapshots one.
        """
        return self.recommend_storage_mb * 9 // 10 * 2 // 3 // 2 // 50 * 50

    @property
    def max_snapshot_mb(self) -> int:
        """The largest catalogue snapshot that `recommend` loads; it has two while it swaps them."""
        return self.recommend_storage_mb * 9 // 10 // 3 // 2 // 10 * 10

    @property
    def image(self) -> str:
        """The container of the training job."""
        if self.training_image:
            return self.training_image
        try:
            return TRAINING_REGISTRIES[self.region].image
        except KeyError:
            raise InvalidSettings(
                f"region {self.region!r} is not in TRAINING_REGISTRIES (infra_cdk/regions.py); set training_image"
            ) from None

    @property
    def pandas_layer(self) -> str:
        """The layer with awswrangler, pandas and pyarrow that AWS publishes."""
        if self.pandas_layer_arn:
            return self.pandas_layer_arn
        try:
            return PANDAS_LAYERS[self.region, self.architecture].arn
        except KeyError:
            raise InvalidSettings(
                f"region {self.region!r} with {self.architecture} is not in PANDAS_LAYERS (infra_cdk/regions.py);"
                " set pandas_layer_arn to a version listed on"
                " https://aws-sdk-pandas.readthedocs.io/en/stable/layers.html"
            ) from None


_LIMITED = ("recommend", "events", "session", "admin")
# Field, least, most: the limits of the services.
_RANGES = (
    ("stream_shards", 1, 500),
    ("stream_retention_hours", 24, 8_760),
    ("update_batch_size", 1, 10_000),
    ("update_window_s", 0, 300),
    ("archive_batch_size", 1, 10_000),
    ("archive_window_s", 0, 300),
    ("trends_window_s", 0, 300),
    ("update_retries", -1, 10_000),
    ("publish_window_s", 0, 300),
    ("attribution_window_days", 1, 60),
    ("lake_cold_days", 1, 36_500),
    ("served_days", 1, 36_500),
    ("quarantine_alarm_percent", 0, 99),
    ("error_alarm_percent", 0, 99),
    ("latency_alarm_ms", 1, 30_000),
    ("degraded_alarm_percent", 0, 99),
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
    ("gate_min_interactions", 1, 10**12),
    ("gate_min_users", 1, 10**9),
    ("gate_max_age_days", 1, 36_500),
    ("gate_min_compared_users", 2, 10**9),
    ("gate_tolerance_percent", 0, 100),
    ("gate_max_slice_drop_percent", 0, 100),
    ("gate_min_coverage_percent", 0, 100),
    ("gate_max_popularity_ratio", 1, 1_000_000),
    ("gate_max_latency_ms", 1, 10_000),
    ("canary_share_percent", 0, 99),
    ("canary_duration_s", 1, 604_800),
    ("canary_interval_s", 1, 86_400),
    ("canary_max_error_percent", 0, 100),
    ("canary_max_latency_percent", 0, 10_000),
    ("models_kept", 1, 1_000),
    ("drift_psi_percent", 1, 1_000),
    ("drift_hours", 1, 8_760),
    ("retrain_interactions", 1, 10**12),
    ("lake_silent_hours", 1, 8_760),
    ("champion_stale_days", 1, 36_500),
    ("champion_check_s", 0, 3_600),
    ("configuration_check_s", 0, 60),
    ("snapshot_check_s", 0, 3_600),
    ("trends_check_s", 0, 3_600),
    ("tombstone_check_s", 0, 60),
    ("time_budget_ms", 0, 10_000),
    ("erasure_settle_s", 0, 86_400),
    ("provisioned_concurrency", 0, 1_000),
    ("batch_concurrency", 1, 1_000),
    ("throttle_rate_per_s", 1, 100_000),
    ("throttle_burst", 1, 100_000),
    *((f"{routes}_{limit}", 1, 100_000) for routes in _LIMITED for limit in ("rate_per_s", "burst")),
    ("session_cache_s", 0, 300),
    ("token_validity_minutes", 5, 1_440),
)


def _require(value: object, condition: bool, field: str, expectation: str) -> None:
    if not condition:
        raise InvalidSettings(f"{field} is {value!r}, expected {expectation}")


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

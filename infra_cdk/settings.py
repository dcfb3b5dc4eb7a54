"""Typed settings of an environment."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from infra_cdk.regions import TRAINING_REGISTRIES, is_image, pandas_layer
from infra_cdk.settings_checks import InvalidSettings, is_date, require, require_ranges, require_schedules
from infra_cdk.training_settings import TrainingSettings

# Accepted by CloudWatch Logs: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
MAX_RECORD_AGE_HOURS = 168
"""Lambda's limit."""

# It becomes part of the token endpoint's host name: 63 characters at most, none of the three words.
_NAME = re.compile(r"(?!.*(aws|amazon|cognito))[a-z]([a-z0-9-]{0,14}[a-z0-9])?")
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
# As browsers write them: in lower case, without a path.
_ORIGIN = re.compile(rf"(https://{_LABEL}(\.{_LABEL})*|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{{0,4}})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

SIZES: Mapping[str, Mapping[str, Any]] = {
    "small": {},
    "standard": {"stream_retention_hours": 168, "snap_start": True},
    "large": {
        "stream_retention_hours": 168,
        "snap_start": True,
        "dashboards": "all",
        "batch_concurrency": 10,
        "lake_memory_mb": 10_240,
        **{f"{routes}_rate_per_s": 3_000 for routes in ("recommend", "events", "session", "throttle")},
        **{f"{routes}_burst": 6_000 for routes in ("recommend", "events", "session", "throttle")},
    },
}
"""Defaults by the setting `size`; what an environment sets itself wins."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings(TrainingSettings):
    """Everything in which one environment differs from another.

    Attributes
    ----------
    name
        Of the environment; part of the names of its stacks and of its SSM parameters.
    size
        Which of `SIZES` gives defaults: `small` those below, `standard` a week to repair consumers and fast starts,
        `large` also the rates, memory and dashboards of a large shop, above the quotas of a new account.
    region, account
        Where it is deployed. The table of AWS's images by region is read at synthesis, so the region is
        fixed; without an account, the CLI's credentials decide.
    removal_policy
        What happens to buckets, tables and streams when their stack goes.
    update_window_s, archive_window_s, trends_window_s, publish_window_s
        How long a batch is gathered before `update_profiles`, `archive_events`, `count_trends` and `publish_catalog`
        see it.
    update_parallelization
        How many batches of a shard `update_profiles` handles at a time. Lambda keeps the order of the records of one
        user or session. A new account runs ten invocations at a time.
    update_retries
        How often a batch of `update_profiles` or `count_trends` is tried again; -1 until its records are too old. A try
        against a table that does not answer takes seconds, so that the default outlasts a failure of an hour, and a
        defect that one record brings out does not hold up its shard for a day. `archive_events` has no such limit: the
        lake must not miss an hour because its bucket did.
    compaction_schedule, attribution_schedule
        EventBridge schedule expressions; None leaves the lake's upkeep or attribution to be started by hand.
    attribution_window_days
        So many days after an answer an event counts for it.
    lake_first_date
        The first day that SQL sees. Athena looks into every day from here on that a query does not rule out. A day
        close to the first event makes queries faster. Only training reads events before it.
    lake_cold_days
        Age at which the lake's objects move to S3 Intelligent-Tiering, which stores rarely read data for less and does
        not charge for reading it. None leaves them where they are.
    served_days
        How long the lake keeps what was recommended.
    quarantine_alarm_percent
        Share of unreadable records above which the operators are notified.
    error_alarm_percent, latency_alarm_ms, degraded_alarm_percent
        Shares of failed requests and of degraded answers, and the time of the slowest hundredth, above which they are.
    training_image, pandas_layer_arn
        Replace AWS's image and layer.
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
    web
        Whether there are pages, storefront and console, with the distribution that serves them.
    operator_mfa
        Whether operators have to sign in to the pages with a second factor, a code of an app, or may.
    tracing
        Send traces of functions and workflows to X-Ray, which charges per trace. Lambda traces one call of a function
        per second, and 5% of the others.
    snap_start, provisioned_concurrency
        Two ways of starting the functions behind the API quickly; Lambda refuses both together.
    dashboards
        All four, that of the deployment's health, or none; alarms do not need them.
    monthly_budget_usd
        Monthly cost above which the operators are notified, see docs/cost.md; None for no budget.
    batch_concurrency
        How many batches of a run are answered at a time, by the function that also answers the API. A new account runs
        ten invocations at a time, of which the stream's consumers take five.
    lake_memory_mb
        Memory of the functions that read days of the lake: `build_dataset`, `compact_lake`, `attribute_outcomes`,
        `monitor_models` and `purge_user`. A new account allows 3,008 MB.
    profiles_warm_writes_per_s
        Write units per second that the profiles' table serves from its first minute; None for DynamoDB's own start,
        about 4,000.
    """

    name: str
    region: str
    size: Literal["small", "standard", "large"] = "small"
    account: str | None = None
    architecture: Literal["arm64", "x86_64"] = "arm64"
    removal_policy: Literal["retain", "destroy"] = "retain"
    log_retention_days: int = 30
    stream_mode: Literal["provisioned", "on-demand"] = "provisioned"
    stream_shards: int = 1
    stream_retention_hours: int = 24
    update_batch_size: int = 100
    update_window_s: int = 0
    update_parallelization: int = 1
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
    batch_concurrency: int = 3
    lake_memory_mb: int = 3_008
    profiles_warm_writes_per_s: int | None = None
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
    web: bool = True
    operator_mfa: Literal["required", "optional"] = "required"
    alarm_email: str | None = None
    tracing: bool = False
    dashboards: Literal["all", "health", "none"] = "health"
    monthly_budget_usd: int | None = None

    def __post_init__(self) -> None:
        require(
            self.name,
            bool(_NAME.fullmatch(self.name)),
            "name",
            "1 to 16 lower-case letters, digits and hyphens, a letter first, without aws, amazon or cognito in it",
        )
        require(
            self.log_retention_days,
            self.log_retention_days in LOG_RETENTION_DAYS,
            "log_retention_days",
            f"one of {sorted(LOG_RETENTION_DAYS)}",
        )
        TrainingSettings.__post_init__(self)
        require_ranges(self, _RANGES)
        require_schedules(self, ("compaction_schedule", "attribution_schedule"))
        require(self.lake_first_date, is_date(self.lake_first_date), "lake_first_date", "a day such as 2020-01-31")
        require(
            self.champion_check_s,
            not self.canary_share_percent or self.champion_check_s < self.canary_duration_s,
            "champion_check_s",
            f"less than canary_duration_s, {self.canary_duration_s}: else a trial ends before functions see it",
        )
        image = self.training_image
        require(
            image,
            image is None or is_image(image),
            "training_image",
            "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG or NAME@sha256:DIGEST",
        )
        email = self.alarm_email
        require(
            email, email is None or bool(_EMAIL.fullmatch(email)), "alarm_email", "an address such as a@example.com"
        )
        for origin in self.cors_origins:
            require(
                origin,
                bool(_ORIGIN.fullmatch(origin)),
                "cors_origins",
                "https://HOST or https://HOST:PORT in lower case, or http:// with localhost or 127.0.0.1",
            )
        require(
            self.provisioned_concurrency,
            not (self.snap_start and self.provisioned_concurrency),
            "provisioned_concurrency",
            "0 where snap_start is on: Lambda refuses both on one function",
        )

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

        A tenth of its /tmp is kept free. Bundles have two thirds of the rest, catalogue snapshots one third.
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
        return self.pandas_layer_arn or pandas_layer(self.architecture)


_LIMITED = ("recommend", "events", "session", "admin")
# Field, least, most: the limits of the services.
_RANGES = (
    ("stream_shards", 1, 500),
    ("stream_retention_hours", 24, 8_760),
    ("update_batch_size", 1, 10_000),
    ("update_window_s", 0, 300),
    ("update_parallelization", 1, 10),
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
    ("champion_check_s", 0, 60),
    ("configuration_check_s", 0, 60),
    ("snapshot_check_s", 0, 3_600),
    ("trends_check_s", 0, 3_600),
    ("tombstone_check_s", 0, 60),
    ("time_budget_ms", 0, 10_000),
    ("erasure_settle_s", 0, 86_400),
    ("provisioned_concurrency", 0, 1_000),
    ("batch_concurrency", 1, 1_000),
    ("lake_memory_mb", 1_024, 10_240),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
    ("profiles_warm_writes_per_s", 4_000, 40_000),
    ("throttle_rate_per_s", 1, 100_000),
    ("throttle_burst", 1, 100_000),
    *((f"{routes}_{limit}", 1, 100_000) for routes in _LIMITED for limit in ("rate_per_s", "burst")),
    ("session_cache_s", 0, 300),
    ("token_validity_minutes", 5, 1_440),
    ("monthly_budget_usd", 1, 100_000_000),
)

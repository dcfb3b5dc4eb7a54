"""Settings of an environment, from `cdk.json`."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from alsolike.declarations import limits, shared_defaults
from alsolike.declarations.gate import GateSettings
from alsolike.declarations.retention import SERVED_DAYS
from alsolike.declarations.settings import setting
from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.regions import (
    IMAGE,
    IMAGE_FORM,
    PANDAS_VERSION,
    TRAINING_IMAGES,
    WITHOUT_SNAP_START,
    pandas_layer,
)
from infra_cdk.settings_checks import InvalidSettings, Rule, is_date, require, require_forms, require_schedules
from infra_cdk.training_settings import TrainingSettings

# Values that CloudWatch Logs accepts: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
MAX_RECORD_AGE_HOURS = 168
"""Maximum age of records in event source mappings. This is a limit of Lambda."""

GLOBAL_REGION = "us-east-1"
"""Region of the web ACLs and certificates of CloudFront."""
CREATE = "create"
"""Value of a setting that creates a resource instead of naming an existing one."""

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})+"
_BUCKETS = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "names of buckets"
_FORMS = {
    # The name is part of Cognito's host name, which has at most 63 characters and excludes three reserved words.
    "name": (
        r"(?!.*(aws|amazon|cognito))[a-z]([a-z0-9-]{0,14}[a-z0-9])?",
        "1 to 16 lower-case letters, digits and hyphens, a letter first, without aws, amazon or cognito in it",
    ),
    "training_image": (IMAGE, IMAGE_FORM),
    "alarm_email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address such as a@example.com"),
    "permissions_boundary": (
        r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+",
        "the ARN of a managed policy of IAM",
    ),
    # Origins as browsers write them: in lower case and without a path.
    "cors_origins": (
        rf"(https://{_LABEL}(\.{_LABEL})*|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{{0,4}})?",
        "https://HOST or https://HOST:PORT in lower case, or http:// with localhost or 127.0.0.1",
    ),
    "import_buckets": _BUCKETS,
    "batch_buckets": _BUCKETS,
    "api_domain": (_HOST, "a host name such as api.shop.example"),
    "api_zone_id": ("Z[A-Z0-9]{1,31}", "the ID of a hosted zone such as Z0123456789ABC"),
    "domain": (_HOST, "a host name such as shop.example"),
    "certificate_arn": (
        r"arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]+",
        f"the ARN of a certificate in {GLOBAL_REGION}: CloudFront reads no other region",
    ),
    "waf": (
        rf"{CREATE}|arn:aws:wafv2:us-east-1:\d{{12}}:global/webacl/[\w-]+/[0-9a-f-]+",
        f"{CREATE!r} in {GLOBAL_REGION}, or the ARN of a web ACL of scope CLOUDFRONT, which exists there only",
    ),
    "vpc": (f"{CREATE}|vpc-[0-9a-f]+", f"{CREATE!r}, or an ID such as vpc-0a1b"),
    "vpc_subnet_ids": ("subnet-[0-9a-f]+", "IDs such as subnet-0a1b"),
    "vpc_api_endpoint_id": ("vpce-[0-9a-f]+", "an ID such as vpce-0a1b"),
}
"""Regular expression of a setting's texts, and its description in error messages, by setting."""
_KEY = r"arn:aws[a-z-]*:kms:{region}:\d{{12}}:key/[A-Za-z0-9-]+"

SIZES: Mapping[str, Mapping[str, Any]] = {
    "small": {},
    "standard": {"stream_retention_hours": 168, "snap_start": True},
    "large": {
        "stream_retention_hours": 168,
        "snap_start": True,
        "dashboards": "all",
        "batch_concurrency": 10,
        "lake_memory_mb": 10_240,
        **{f"{routes}_rate_per_s": 3_000 for routes in ("recommend", "events", "personalize", "session", "throttle")},
        **{f"{routes}_burst": 6_000 for routes in ("recommend", "events", "personalize", "session", "throttle")},
    },
}
"""Default settings by the setting `size`. Explicit settings of an environment override them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings(GateSettings, TrainingSettings):
    name: str = dataclasses.field(
        metadata={"meaning": "Name of the environment, in the names of its stacks and SSM parameters"}
    )
    region: str = dataclasses.field(metadata={"meaning": "AWS region of the deployment"})
    replica_region: str | None = setting(
        None,
        "[Second region](recovery.md#a-second-region), which also serves recommendations and accepts events, for a "
        "deployment that exists; null: none",
    )
    replica_streams: bool = setting(
        False,
        "Streams of the catalogue's and users' tables with old and new images, as `replica_region` needs; deploy it "
        "[before](recovery.md#add-a-second-region)",
    )
    api_domain: str | None = setting(
        None,
        "Host name of the API in both regions, such as `api.shop.example`, which a health check [moves to the second "
        "region](recovery.md#a-name-that-moves); with `api_zone_id`, and not the name of the zone; null: none",
    )
    api_zone_id: str | None = setting(None, "ID of the hosted zone of `api_domain` in Route 53")
    size: Literal["small", "standard", "large"] = setting("small", "[Set of defaults](#sizes)")
    account: str | None = setting(None, "AWS account; null uses the account of your credentials")
    architecture: Literal["arm64", "x86_64"] = setting("arm64", "Processor of functions and layers")
    removal_policy: Literal["retain", "destroy"] = setting(
        "retain", "`destroy` deletes stored data with its stack ([deletion](deploy.md#deleting-a-deployment))"
    )
    log_retention_days: int = setting(30, "Retention of all log groups")
    log_invocations: bool = setting(
        False,
        "Log Lambda's lines START, END and REPORT of each invocation, with duration and memory. Errors and timeouts "
        "are logged in any case",
    )
    stream_mode: Literal["provisioned", "on-demand"] = setting(
        "provisioned", "`on-demand` scales automatically and costs about $29 a month when idle, a shard about $11"
    )
    stream_shards: int = setting(
        1, "Provisioned shards; [at most double](scale.md#more-shards) in one deployment", (1, 500)
    )
    stream_retention_hours: int = setting(
        24, "Retention of the stream; consumers stop retrying an hour earlier", (24, 8_760)
    )
    update_batch_size: int = setting(100, "Maximum records per batch of `update_profiles`", (1, 10_000))
    update_window_s: int = setting(0, "Batching window of `update_profiles`", (0, 300))
    update_parallelization: int = setting(
        1,
        "Batches per shard that `update_profiles` processes in parallel; the order per user is kept. A new account "
        "runs ten invocations at a time. The embedded cloud accepts only 1",
        (1, 10),
    )
    archive_batch_size: int = setting(
        10_000, "Maximum records per batch of `archive_events`; larger batches mean fewer objects", (1, 10_000)
    )
    archive_window_s: int = setting(60, "Batching window of `archive_events`", (0, 300))
    trends_window_s: int = setting(
        20,
        "Batching window of `count_trends`; longer windows mean fewer writes ([cost](trending.md#freshness-and-cost))",
        (0, 300),
    )
    update_retries: int = setting(
        1_000,
        "Retries of a batch of `update_profiles` or `count_trends`; -1 retries until an hour before the stream's "
        "retention ends, as `archive_events` does. The default outlasts an hour without the table. Failed batches "
        "are stored under `aws/lambda/` in the lake bucket",
        (-1, 10_000),
    )
    publish_window_s: int = setting(20, "Batching window of `publish_catalog`", (0, 300))
    compaction_schedule: str | None = setting(
        "rate(1 day)", "Schedule of [lake](lake.md) upkeep: compaction and retention; null: manual only"
    )
    attribution_schedule: str | None = setting(
        "rate(1 hour)", "Schedule of [attribution](attribution.md); null: manual only"
    )
    attribution_window_days: int = setting(
        shared_defaults.ATTRIBUTION_WINDOW_DAYS, "Days after a response in which events count for it", (1, 60)
    )
    lake_first_date: str = setting(
        "1970-01-01",
        "First day visible to SQL; a day close to your first event makes queries faster. Training reads all days",
    )
    lake_cold_days: int | None = setting(
        30, "Days after which objects of the lake move to S3 Intelligent-Tiering; null: never", (1, 36_500)
    )
    served_days: int = setting(SERVED_DAYS, "Retention of the [recommendation log](served.md)", (1, 36_500))
    quarantine_alarm_percent: int = setting(1, "Alarm threshold: share of unreadable records", (0, 99))
    error_alarm_percent: int = setting(
        1, "Alarm threshold: share of failed requests ([runbook](runbooks/errors.md))", (0, 99)
    )
    latency_alarm_ms: int = setting(1_000, "Alarm threshold: p99 latency", (1, 30_000))
    empty_alarm_percent: int = setting(5, "Alarm threshold: share of empty responses", (0, 99))
    degraded_alarm_percent: int = setting(5, "Alarm threshold: share of degraded responses", (0, 99))
    training_image: str | None = setting(
        None, "Replaces AWS's training image of the region ([own image](training.md#a-container-of-your-own))"
    )
    pandas_layer_arn: str | None = setting(
        None,
        "Replaces AWS's layer of the region with [AWS SDK for "
        f"pandas](https://aws-sdk-pandas.readthedocs.io/en/stable/install.html#managed-layer) {PANDAS_VERSION} for "
        "Python 3.13, for example in China, where AWS publishes none",
    )
    champion_check_s: int = setting(
        shared_defaults.CHAMPION_CHECK_S,
        "Polling interval of `recommend` for promotions and rollbacks, less than `canary_duration_s`",
        (0, 60),
    )
    configuration_check_s: int = setting(
        shared_defaults.CONFIGURATION_CHECK_S, "Polling interval for the configuration", (0, 60)
    )
    snapshot_check_s: int = setting(
        shared_defaults.SNAPSHOT_CHECK_S, "Polling interval of `recommend` for the catalogue snapshot", (0, 3_600)
    )
    trends_check_s: int = setting(
        shared_defaults.TRENDS_CHECK_S, "Polling interval of `recommend` for [trends](trending.md)", (0, 3_600)
    )
    tombstone_check_s: int = setting(
        shared_defaults.TOMBSTONE_CHECK_S, "Polling interval for erased users ([privacy](privacy.md))", (0, 60)
    )
    erasure_settle_s: int = setting(
        960, "Wait of an erasure before each search; longer than any function runs (15 minutes)", (0, 86_400)
    )
    pseudonymise_ids: bool = setting(
        False,
        "Store keyed hashes instead of user and session IDs; cannot be changed after the [first "
        "event](privacy.md#pseudonymised-ids)",
    )
    time_budget_ms: int = setting(
        shared_defaults.TIME_BUDGET_MS,
        "Time limit of a response before it falls back to fewer features, half of it for reading the profile; 0: none",
        (0, 10_000),
    )
    snap_start: bool = setting(
        False,
        "Start `collect`, `recommend` and `authorize_session` from snapshots, which AWS bills per published version; "
        "not with `provisioned_concurrency`, nor in the regions `ap-east-2` and `ap-southeast-6`",
    )
    provisioned_concurrency: int = setting(
        0, "Initialised environments of `collect`, `recommend` and `authorize_session`", (0, 1_000)
    )
    gradual_releases: bool = setting(
        False,
        "Release new versions of `collect` and `recommend` by CodeDeploy: 10% of the calls for five minutes, then all; "
        "[alarms roll back](upgrades.md#gradual-releases)",
    )
    batch_concurrency: int = setting(
        3,
        "Parallel [batches](batch.md) of a run, by the function that also serves the API. A [new "
        "account](deploy.md#a-new-account) runs ten invocations at a time, the stream's consumers five of them",
        (1, 1_000),
    )
    reserved_recommend: int | None = setting(
        None,
        "[Reserved concurrency](scale.md#reserved-concurrency) of `recommend`, more than `batch_concurrency`",
        (1, 100_000),
    )
    reserved_collect: int | None = setting(None, "Reserved concurrency of `collect`", (1, 100_000))
    reserved_sessions: int | None = setting(None, "Reserved concurrency of `authorize_session`", (1, 100_000))
    reserved_operators: int | None = setting(
        None,
        "Reserved concurrency of each of `observe`, `operate`, `personalize`, `erase_user` and `export_user`",
        (1, 100_000),
    )
    reserved_consumers: int | None = setting(
        None,
        "Reserved concurrency of each of `update_profiles`, `archive_events`, `count_trends` and `read_kafka`, at "
        "least `stream_shards` times `update_parallelization`",
        (1, 100_000),
    )
    lake_memory_mb: int = setting(
        3_008,
        "Memory of `build_dataset`, `compact_lake`, `import_data`, `attribute_outcomes`, `monitor_models` and "
        "`purge_user`. A new account allows 3008",
        (1_024, 10_240),
    )
    profiles_warm_writes_per_s: int | None = setting(
        None,
        "Write units per second of the profiles' table from the start; null starts at about 4,000 and doubles within "
        "half an hour",
        (4_000, 40_000),
    )
    throttle_rate_per_s: int = setting(
        500, "Requests per second and route, for routes without a limit below", (1, 100_000)
    )
    throttle_burst: int = setting(1_000, "Burst of these routes", (1, 100_000))
    recommend_rate_per_s: int = setting(300, "Requests per second and route that reads recommendations", (1, 100_000))
    recommend_burst: int = setting(600, "Burst of these routes", (1, 100_000))
    events_rate_per_s: int = setting(
        300, "Requests per second and route that writes events, items or users", (1, 100_000)
    )
    events_burst: int = setting(600, "Burst of these routes", (1, 100_000))
    personalize_rate_per_s: int = setting(
        300,
        "[Signed](personalize.md#keys) requests per second and route that reads recommendations or writes events, "
        "items or users",
        (1, 100_000),
    )
    personalize_burst: int = setting(600, "Burst of these routes", (1, 100_000))
    session_rate_per_s: int = setting(
        300, "Requests per second and route for [browsers](sessions.md#limits)", (1, 100_000)
    )
    session_burst: int = setting(600, "Burst of these routes", (1, 100_000))
    site_rate_per_s: int = setting(
        100, "Session tokens per second that pages get with a [site key](browser.md#site-keys)", (1, 100_000)
    )
    site_burst: int = setting(200, "Burst of these requests", (1, 100_000))
    admin_rate_per_s: int = setting(50, "Requests per second and route for administrators, also signed", (1, 100_000))
    admin_burst: int = setting(100, "Burst of these routes", (1, 100_000))
    session_cache_s: int = setting(
        60, "Caching time of [session token](sessions.md#expiry) decisions, also after a token expires", (0, 300)
    )
    cors_origins: Sequence[str] = setting(
        (), "Origins of pages that may call the API from a [browser](sessions.md#cors), such as `https://shop.example`"
    )
    import_buckets: Sequence[str] = setting(
        (), "Buckets that [import jobs](personalize.md#control-plane) of clients of Amazon Personalize may read"
    )
    batch_buckets: Sequence[str] = setting(
        (), "Buckets for input and output of [batch inference jobs](personalize.md#control-plane) of these clients"
    )
    kafka: KafkaSettings | None = dataclasses.field(
        default=None,
        metadata={
            "meaning": "[Kafka topic](kafka.md) to read events from, an object of the [settings below](#kafka); if you "
            "set it to null later, delete the stack `alsolike-<environment>-kafka`"
        },
    )
    web: bool = setting(
        True, "Deploy the [pages](web.md); if you turn it off, delete the stack `alsolike-<environment>-pages`"
    )
    static_lists_schedule: str | None = setting(
        None,
        "Schedule on which [static lists](static-lists.md) follow trends and the catalogue, such as `rate(1 hour)`; "
        "promotions always publish them. Null: no static lists",
    )
    operator_mfa: Literal["required", "optional"] = setting(
        "required", "One-time codes for [operators](web.md#operators)"
    )
    alarm_email: str | None = setting(
        None, "Recipient of alarms and of messages on budgets, trainings, rejected models and erasures"
    )
    tracing: bool = setting(
        False, "Send [traces](observability.md#traces) to X-Ray: $13 a month for a function called every second"
    )
    dashboards: Literal["all", "health", "none"] = setting(
        "health",
        "All four [dashboards](observability.md#dashboards), the health dashboard or none, $3 a month each; alarms "
        "do not need them",
    )
    monthly_budget_usd: int | None = setting(
        None, "Monthly [budget](cost.md#budget) with notifications; null: none", (1, 100_000_000)
    )

    permissions_boundary: str | None = setting(
        None, "ARN of the managed policy that [bounds all roles](deploy.md#access-for-people-and-pipelines); null: none"
    )
    kms_key_arn: str | None = setting(
        None,
        "ARN of the [KMS key](security.md#a-key-of-your-own) that encrypts tables, buckets, stream, secrets, logs, the "
        "training job's disks and output, and the Glue job; `create` creates one; null: keys of AWS",
    )
    waf: str | None = setting(
        None,
        "ARN of the [web ACL](security.md#firewall-and-domain) of the distribution of pages and API, of scope "
        "CLOUDFRONT; `create` creates one, in us-east-1 only; null: none",
    )
    waf_requests_per_address: int = setting(
        2_000,
        "Requests of an IP address in five minutes above which a created web ACL blocks the address",
        (10, 2_000_000_000),
    )
    domain: str | None = setting(
        None, "Host name of the pages, such as `shop.example`, with `certificate_arn`; null: that of CloudFront"
    )
    certificate_arn: str | None = setting(
        None, "ARN of the certificate of `domain` in AWS Certificate Manager of us-east-1"
    )
    vpc: str | None = setting(
        None,
        "ID of the [VPC](security.md#private-network) in whose private subnets functions and jobs run, with "
        "`vpc_subnet_ids`; `create` creates one with the endpoints that they use; null: none. Needs "
        "`training_network: false`",
    )
    vpc_subnet_ids: Sequence[str] = setting((), "Private subnets of `vpc`, without a route to the internet")
    vpc_availability_zone: str | None = setting(
        None, "Availability zone of the first subnet, which the Glue job needs; null with `dataset_engine: lambda`"
    )
    private_api: bool = setting(
        False,
        "Serve the [API](security.md#private-api) only through an interface endpoint of `vpc`. Needs `web: false` and "
        "no `cors_origins`",
    )
    vpc_api_endpoint_id: str | None = setting(
        None, "ID of the interface endpoint of `execute-api` in an existing `vpc`, with `private_api`"
    )
    audit_trail: bool = setting(
        False,
        "Record each read and write of objects of the lake and the artefacts for a year with "
        "[CloudTrail](security.md#audit-and-backup)",
    )
    backup_days: int | None = setting(
        None,
        "Retention of daily [backups](security.md#audit-and-backup) of tables and buckets in a locked vault; an "
        "erasure does not delete them; null: none",
        (1, 36_500),
    )
    backup_lock: Literal["governance", "compliance"] = setting(
        "governance",
        "Lock of the vault: `governance` can be removed with a permission, `compliance` cannot after three days",
    )
    stack_drift_schedule: str | None = setting(
        None,
        "Schedule on which CloudFormation compares resources with the templates and notifies operators, such as "
        "`rate(30 days)`; null: none",
    )
    stack_protection: bool = setting(
        False, "Protect all stacks with stored data from deletion, also with `removal_policy: destroy`"
    )
    bootstrap_kms_key_arn: str | None = setting(
        None,
        "ARN of the key of `cdk bootstrap --bootstrap-kms-key-id`, with which the jobs of SageMaker and Glue may "
        "decrypt their code; null: another bootstrap",
    )

    def __post_init__(self) -> None:
        require_forms(self, _FORMS)
        TrainingSettings.__post_init__(self)
        require_schedules(
            self, ("compaction_schedule", "attribution_schedule", "static_lists_schedule", "stack_drift_schedule")
        )
        for field, condition, expectation in (
            *self._rules(),
            *self._rules_of_edge(),
            *self._rules_of_network(),
            *self._rules_of_reservations(),
            *(() if self.replica_region is None else self._rules_of_replica()),
        ):
            require(self, field, condition, expectation)
        if self.replica_region is not None:
            _ = self.replica

    def _rules(self) -> Iterator[Rule]:
        duration_s = self.canary_duration_s
        yield (
            "log_retention_days",
            self.log_retention_days in LOG_RETENTION_DAYS,
            f"one of {sorted(LOG_RETENTION_DAYS)}",
        )
        yield "lake_first_date", is_date(self.lake_first_date), "a day such as 2020-01-31"
        yield (
            "champion_check_s",
            not self.canary_share_percent or self.champion_check_s < duration_s,
            f"less than canary_duration_s, {duration_s}: otherwise a canary ends before functions read it",
        )
        key = _KEY.format(region=self.region), f"the ARN of a KMS key in {self.region}"
        for name, (form, expectation) in (
            ("kms_key_arn", (f"{CREATE}|{key[0]}", f"{CREATE!r} or {key[1]}")),
            ("bootstrap_kms_key_arn", key),
        ):
            value = getattr(self, name)
            yield name, value is None or re.fullmatch(form, value), expectation
        yield (
            "snap_start",
            not (self.snap_start and self.region in WITHOUT_SNAP_START),
            f"false in {self.region}, where Lambda has no SnapStart; set it, because the sizes standard and large turn "
            "it on",
        )
        yield (
            "provisioned_concurrency",
            not (self.snap_start and self.provisioned_concurrency),
            "0 where snap_start is on: Lambda refuses both on one function",
        )

    def _rules_of_edge(self) -> Iterator[Rule]:
        yield "waf", self.waf != CREATE or self.region == GLOBAL_REGION, _FORMS["waf"][1]
        yield (
            "certificate_arn",
            (self.certificate_arn is None) == (self.domain is None),
            f"the ARN of a certificate in {GLOBAL_REGION} with domain, null without",
        )
        for name in ("waf", "domain", "static_lists_schedule"):
            yield name, getattr(self, name) is None or self.web, "null without the pages (web: false)"
        yield (
            "api_domain",
            self.api_domain is None or self.replica_streams,
            "null without replica_streams: without a second region, a health check has no region to move the name to",
        )
        yield (
            "api_zone_id",
            (self.api_zone_id is None) == (self.api_domain is None),
            "the ID of a hosted zone with api_domain, null without",
        )

    def _rules_of_network(self) -> Iterator[Rule]:
        is_existing = self.vpc not in (None, CREATE)
        yield "vpc_subnet_ids", bool(self.vpc_subnet_ids) == is_existing, "IDs with the ID of a vpc, none without"
        yield (
            "vpc_availability_zone",
            (self.vpc_availability_zone is not None) == (is_existing and self.dataset_engine != "lambda"),
            "the zone of the first subnet with the ID of a vpc, null with dataset_engine lambda or without a vpc",
        )
        yield (
            "training_network",
            self.vpc is None or not self.training_network,
            "false with vpc: private subnets reach no package index, so jobs get the wheels of the deployment",
        )
        yield (
            "kafka",
            self.vpc is None or self.kafka is None,
            "null with vpc: the endpoints of a Kafka cluster are not known here",
        )
        yield (
            "vpc_api_endpoint_id",
            (self.vpc_api_endpoint_id is not None) == (self.private_api and is_existing),
            "an ID with private_api and the ID of a vpc, null without",
        )
        if self.private_api:
            yield "vpc", self.vpc is not None, f"{CREATE!r} or an ID with private_api"
            yield "web", not self.web, "false with private_api: CloudFront and its visitors cannot reach the API"
            yield "api_domain", self.api_domain is None, "null with private_api: health checks cannot reach the API"
            yield (
                "cors_origins",
                not self.cors_origins,
                "none with private_api: send the requests of pages through your servers",
            )

    def _rules_of_reservations(self) -> Iterator[Rule]:
        provisioned, batches = self.provisioned_concurrency, self.batch_concurrency
        for name, minimum, expectation in (
            (
                "reserved_recommend",
                batches + 1,
                f"more than batch_concurrency, {batches}: batches leave the API nothing",
            ),
            *(
                (name, provisioned, f"at least provisioned_concurrency, {provisioned}: Lambda refuses less")
                for name in ("reserved_recommend", "reserved_collect", "reserved_sessions")
            ),
            (
                "reserved_consumers",
                self.stream_shards * self.update_parallelization if self.stream_mode == "provisioned" else 1,
                f"at least stream_shards times update_parallelization, {self.stream_shards} times "
                f"{self.update_parallelization}: Lambda throttles the other shards",
            ),
        ):
            yield name, getattr(self, name) is None or getattr(self, name) >= minimum, expectation

    def _rules_of_replica(self) -> Iterator[Rule]:
        yield (
            "replica_region",
            self.replica_region in TRAINING_IMAGES and self.replica_region != self.region,
            f"another region than {self.region}, of infra_cdk/regions.py",
        )
        yield (
            "replica_streams",
            self.replica_streams,
            "true with replica_region; deploy replica_streams first, because CloudFormation changes the stream of a "
            "table only while it has one replica",
        )
        for name in ("pandas_layer_arn", "bootstrap_kms_key_arn", "vpc"):
            yield name, getattr(self, name) is None, "null with replica_region: it exists in one region only"
        yield (
            "kms_key_arn",
            self.kms_key_arn in (None, CREATE),
            f"{CREATE!r} with replica_region, which creates a key in each region, or null",
        )

    @property
    def replica(self) -> "Settings":
        """Settings of the replica. Only the primary has schedules, Kafka, pages and account-wide resources."""
        assert self.replica_region is not None
        return dataclasses.replace(
            self,
            region=self.replica_region,
            replica_region=None,
            training_image=self.image,
            training_schedule=None,
            monitoring_schedule=None,
            compaction_schedule=None,
            attribution_schedule=None,
            static_lists_schedule=None,
            kafka=None,
            web=False,
            dashboards="none",
            monthly_budget_usd=None,
            waf=None,
            domain=None,
            certificate_arn=None,
            audit_trail=False,
            backup_days=None,
            stack_drift_schedule=None,
        )

    def number(self, value: int | str) -> int:
        """Return `value` if it is a number, or the setting named `value`."""
        number: int = getattr(self, value) if isinstance(value, str) else value
        return number

    @property
    def record_age_hours(self) -> int:
        """Maximum age of records that consumers retry: an hour less than the stream's retention, but at most one week.

        Lambda must store a failed record elsewhere before the stream deletes it.
        """
        return min(self.stream_retention_hours - 1, MAX_RECORD_AGE_HOURS)

    @property
    def is_audited(self) -> bool:
        return self.audit_trail or self.backup_days is not None or self.stack_drift_schedule is not None

    @property
    def is_protected(self) -> bool:
        return self.stack_protection or self.removal_policy == "retain"

    @property
    def kafka_check_schedule(self) -> str:
        """Schedule of `check_kafka`, which operators cannot set. Manifests refer to schedules by name."""
        return "rate(5 minutes)"

    @property
    def recommend_storage_mb(self) -> int:
        """Size of `recommend`'s folder /tmp, for bundles and catalogue snapshots. SnapStart limits the size."""
        return limits.SNAP_START_STORAGE_MB if self.snap_start else 2_048

    @property
    def max_bundle_mb(self) -> int:
        return limits.bundle_limit_mb(self.recommend_storage_mb)

    @property
    def max_snapshot_mb(self) -> int:
        return limits.snapshot_limit_mb(self.recommend_storage_mb)

    @property
    def image(self) -> str:
        if self.training_image:
            return self.training_image
        try:
            return TRAINING_IMAGES[self.region]
        except KeyError:
            raise InvalidSettings(
                f"region {self.region!r} is not in TRAINING_IMAGES (infra_cdk/regions.py); set training_image"
            ) from None

    @property
    def pandas_layer(self) -> str:
        return self.pandas_layer_arn or pandas_layer(self.architecture)

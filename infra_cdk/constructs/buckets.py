"""Buckets of the lake and the artefacts, and Glue tables of interactions and responses."""

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.retention import (
    ACCESS_LOG_DAYS,
    BATCH_DAYS,
    DATASET_DAYS_AT_MOST,
    FORECAST_DAYS,
    FORWARDED_ERASURE_DAYS,
    OBJECT_VERSION_DAYS,
    QUARANTINE_DAYS,
    TRAINING_JOB_DAYS,
    TRENDS_DAYS,
)
from alsolike.declarations.storage import (
    ATTRIBUTION_PREFIX,
    BATCH_PREFIX,
    DATASETS_PREFIX,
    ENGAGEMENT_PREFIX,
    FAILED_BATCHES_PREFIX,
    FORECASTS_PREFIX,
    FORWARDED_ERASURES_PREFIX,
    INTERACTIONS_PREFIX,
    OUTCOMES_PREFIX,
    QUARANTINE_PREFIX,
    SERVED_PREFIX,
    TRAINING_PREFIX,
    TRENDS_PREFIX,
)
from alsolike.declarations.tables import INTERACTIONS_PARTITION, INTERACTIONS_TABLE, SERVED_PARTITION, SERVED_TABLE
from alsolike.records.interaction import INTERACTIONS_COLUMNS, INTERACTIONS_ONCE_SQL
from alsolike.records.served_response import SERVED_COLUMNS, SERVED_ONCE_SQL
from infra_cdk.constructs.lake_tables import lake_table, once_view
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.settings import Settings

DERIVED_PREFIXES = (OUTCOMES_PREFIX, ENGAGEMENT_PREFIX, ATTRIBUTION_PREFIX)
"""Prefixes of the objects that `attribute_outcomes` writes."""


class DataLake(Construct):
    """Buckets of the lake, the artefacts and their access logs, and the Glue database with its tables and views.

    The names of database and tables are fixed instead of generated, because queries contain them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, has_two_regions: bool = False
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._logs = self._access_log_bucket()
        self.lake = self._bucket(
            "Lake",
            rules=[
                s3.LifecycleRule(prefix=QUARANTINE_PREFIX, expiration=cdk.Duration.days(QUARANTINE_DAYS)),
                s3.LifecycleRule(prefix=FAILED_BATCHES_PREFIX, expiration=cdk.Duration.days(QUARANTINE_DAYS)),
                s3.LifecycleRule(prefix=SERVED_PREFIX, expiration=cdk.Duration.days(settings.served_days)),
                # Attribution rewrites these objects often, and they can be recomputed, so old versions are kept for a
                # day. S3 applies the shorter of two rules.
                *(
                    s3.LifecycleRule(prefix=prefix, noncurrent_version_expiration=cdk.Duration.days(1))
                    for prefix in DERIVED_PREFIXES
                ),
                s3.LifecycleRule(prefix=FORECASTS_PREFIX, expiration=cdk.Duration.days(FORECAST_DAYS)),
                *self._cold_storage(),
            ],
        )
        self.artefacts = self._bucket(
            "Artefacts",
            rules=[
                s3.LifecycleRule(
                    prefix=DATASETS_PREFIX,
                    # `start_training` deletes datasets earlier, except the latest dataset and the datasets of the
                    # champion and of the rollback version.
                    expiration=cdk.Duration.days(DATASET_DAYS_AT_MOST),
                    # Deleted and overwritten datasets are not needed after their training.
                    noncurrent_version_expiration=cdk.Duration.days(1),
                ),
                s3.LifecycleRule(prefix=TRAINING_PREFIX, expiration=cdk.Duration.days(TRAINING_JOB_DAYS)),
                s3.LifecycleRule(
                    prefix=BATCH_PREFIX,
                    expiration=cdk.Duration.days(BATCH_DAYS),
                    # Recommendations expire quickly and contain user IDs, so old versions are deleted.
                    noncurrent_version_expiration=cdk.Duration.days(1),
                ),
                s3.LifecycleRule(
                    prefix=TRENDS_PREFIX,
                    expiration=cdk.Duration.days(TRENDS_DAYS),
                    # A new version is written every few seconds, and `alsolike replay` reads those of the last week. S3
                    # applies this rule in place of the bucket's `OBJECT_VERSION_DAYS`, because it is shorter.
                    noncurrent_version_expiration=cdk.Duration.days(8),
                ),
                *(
                    [
                        s3.LifecycleRule(
                            prefix=FORWARDED_ERASURES_PREFIX,
                            expiration=cdk.Duration.days(FORWARDED_ERASURE_DAYS),
                            noncurrent_version_expiration=cdk.Duration.days(1),
                        )
                    ]
                    if has_two_regions
                    else []
                ),
            ],
        )
        _send_events(self.artefacts)
        self.database_name = f"alsolike_{settings.name.replace('-', '_')}"
        self.table_name = INTERACTIONS_TABLE
        self._tables()

    def _cold_storage(self) -> list[s3.LifecycleRule]:
        days = self._settings.lake_cold_days
        if days is None:
            return []
        # S3 does not move objects below 128 KB. Compaction merges small objects before this age.
        return [
            s3.LifecycleRule(
                prefix=INTERACTIONS_PREFIX,
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=cdk.Duration.days(days)
                    )
                ],
            )
        ]

    def _access_log_bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(ACCESS_LOG_DAYS))],
            removal_policy=removal_policy(self._settings),
        )
        acknowledge(
            bucket, finding="AwsSolutions-S1", reason="Access logs of the bucket for access logs would grow endlessly"
        )
        return bucket

    def _bucket(self, construct_id: str, *, rules: list[s3.LifecycleRule]) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=self._logs,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(OBJECT_VERSION_DAYS),
                    # Compaction deletes objects daily. When the last version of an object has expired, S3 removes its
                    # delete marker.
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                ),
                *rules,
            ],
            removal_policy=removal_policy(self._settings),
        )

    def _tables(self) -> None:
        settings, name = self._settings, self.database_name
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=cdk.Stack.of(self).account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=name, description=f"Alsolike {settings.name}: the lake"
            ),
        )
        interactions = lake_table(
            self,
            "Interactions",
            lake=self.lake,
            database=name,
            name=INTERACTIONS_TABLE,
            description="Events of users with duplicates; interactions_once has each event once",
            columns=INTERACTIONS_COLUMNS,
            partition=INTERACTIONS_PARTITION,
            first_date=settings.lake_first_date,
            # Maximum clock skew of senders that a configuration can allow.
            days_ahead=7,
        )
        interactions.add_resource_dependency(database)
        view = once_view(
            self,
            "InteractionsOnce",
            database=name,
            table=INTERACTIONS_TABLE,
            description="Events of users without duplicates",
            columns=INTERACTIONS_COLUMNS,
            partition=INTERACTIONS_PARTITION,
            sql=INTERACTIONS_ONCE_SQL,
        )
        view.add_resource_dependency(interactions)
        scope = Construct(self, "Served")
        served = lake_table(
            scope,
            "Table",
            lake=self.lake,
            database=name,
            name=SERVED_TABLE,
            description="Recommendation log with duplicates; served_once has one row per response",
            columns=SERVED_COLUMNS,
            partition=SERVED_PARTITION,
            # Objects of earlier days are deleted. In a query without a date, Athena would list these days in vain.
            first_date=f"NOW-{settings.served_days + 1}DAYS",
        )
        view = once_view(
            scope,
            "Once",
            database=name,
            table=SERVED_TABLE,
            description="Recommendation log with one row per response",
            columns=SERVED_COLUMNS,
            partition=SERVED_PARTITION,
            sql=SERVED_ONCE_SQL,
        )
        view.add_resource_dependency(served)
        scope.node.add_dependency(database)


def _send_events(bucket: s3.Bucket) -> None:
    """Enable EventBridge notifications. The property of `s3.Bucket` would add a custom resource."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )


def removal_policy(settings: Settings, *, protected: bool = False) -> cdk.RemovalPolicy:
    """Return the removal policy of stored data.

    `RETAIN_ON_UPDATE_OR_DELETE` lets a failed first deployment delete its resources. With `RETAIN`, they would remain,
    and the next deployment would create new resources next to them. A rollback cannot delete `protected` resources,
    which have deletion protection.
    """
    if settings.removal_policy == "destroy":
        return cdk.RemovalPolicy.DESTROY
    return cdk.RemovalPolicy.RETAIN if protected else cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE

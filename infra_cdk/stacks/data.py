"""Stateful resources, which remain if the other stacks are deleted."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from infra_cdk.constructs.alarm_topic import alerts_topic
from infra_cdk.constructs.data_lake import DataLake, removal_policy
from infra_cdk.constructs.event_stream import EventStream
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.settings import Settings


class DataStack(cdk.Stack):
    """Event stream, buckets, tables, keys and the topic for alerts.

    Attributes
    ----------
    database_name
        Name of the Glue database of the lake.
    tracking_id
        Tracking ID of the event API, in Personalize's format. No AWS resource has this name.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, env: cdk.Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            description=f"Alsolike {settings.name}: stored data",
            termination_protection=settings.removal_policy == "retain",
        )
        data_lake = DataLake(self, "DataLake", settings=settings)
        self.lake, self.artefacts = data_lake.lake, data_lake.artefacts
        self.database_name = data_lake.database_name
        self.stream = EventStream(self, "Events", settings=settings).stream
        # Unused table of version 0.2. Its exports must exist until the stacks that import them are updated.
        packed_profiles = _table(
            self, "Profiles", key="profile_id", settings=settings, expires_with="expires_at", backups=False
        )
        for exported in (packed_profiles.table_name, packed_profiles.table_arn):
            self.export_value(exported)
        self.profiles = _table(
            self,
            "ProfileItems",
            key=PROFILES_PARTITION_KEY,
            sort_key=PROFILES_SORT_KEY,
            settings=settings,
            expires_with="expires_at",
            backups=False,  # `alsolike rebuild profiles` restores profiles from the lake
            warm_writes_per_s=settings.profiles_warm_writes_per_s,
        )
        self.catalogue = _table(self, "Catalogue", key="item_id", settings=settings, has_stream=True)
        self.users = _table(self, "Users", key="user_id", settings=settings, has_stream=True)
        self.keys = _table(self, "Keys", key="key_id", settings=settings)
        self.resources = _table(
            self, "Resources", key="kind", sort_key="id", settings=settings, expires_with="expires_at"
        )
        self.keys_encryption = kms.Key(
            self,
            "KeysEncryption",
            description=f"Alsolike {settings.name}: encrypts the secrets of keys that sign requests",
            enable_key_rotation=True,
            removal_policy=removal_policy(settings),
        )
        self.tracking_id = f"alsolike-{settings.name}"
        self.hash_key = _key(
            self,
            "HashKey",
            description="key of the hashes that replace IDs; never change it",
            not_rotated="Another key would change the hash of every ID: a rotation would restore erased users, and "
            "separate users with pseudonymised IDs from their history",
            settings=settings,
        )
        self.session_key = _key(
            self,
            "SessionKey",
            description="key that signs session tokens; the previous value remains valid until the next change",
            not_rotated="The shop's backend signs with the key and must read a new one, so the shop decides when; "
            "the current and the previous value are both valid, and their tokens expire within an hour",
            settings=settings,
        )
        self.alerts = alerts_topic(self, "Alerts", settings=settings)
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={
                "region": self.region,
                "stream_name": self.stream.stream_name,
                "lake_bucket": self.lake.bucket_name,
                "artefact_bucket": self.artefacts.bucket_name,
                "profiles_table": self.profiles.table_name,
                "catalogue_table": self.catalogue.table_name,
                "users_table": self.users.table_name,
                "keys_table": self.keys.table_name,
                "keys_encryption_arn": self.keys_encryption.key_arn,
                "tracking_id": self.tracking_id,
                "items_dataset_arn": self._dataset_arn("ITEMS"),
                "users_dataset_arn": self._dataset_arn("USERS"),
                "glue_database": data_lake.database_name,
                "glue_table": data_lake.table_name,
                "hash_key_arn": self.hash_key.secret_arn,
                "session_key_arn": self.session_key.secret_arn,
                "alerts_topic_arn": self.alerts.topic_arn,
            },
        )

    def _dataset_arn(self, dataset: str) -> str:
        return f"arn:{self.partition}:personalize:{self.region}:{self.account}:dataset/{self.tracking_id}/{dataset}"


def _table(
    scope: Construct,
    construct_id: str,
    *,
    key: str,
    settings: Settings,
    sort_key: str | None = None,
    expires_with: str | None = None,
    backups: bool = True,
    has_stream: bool = False,
    warm_writes_per_s: int | None = None,
) -> dynamodb.TableV2:
    return dynamodb.TableV2(
        scope,
        construct_id,
        partition_key=dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name=sort_key, type=dynamodb.AttributeType.STRING) if sort_key else None,
        billing=dynamodb.Billing.on_demand(),
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=backups
        ),
        time_to_live_attribute=expires_with,
        warm_throughput=dynamodb.WarmThroughput(write_units_per_second=warm_writes_per_s)
        if warm_writes_per_s
        else None,
        dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE if has_stream else None,
        deletion_protection=settings.removal_policy == "retain",
        removal_policy=removal_policy(settings, protected=True),
    )


def _key(
    scope: Construct, construct_id: str, *, description: str, not_rotated: str, settings: Settings
) -> secretsmanager.Secret:
    """Create a secret of 64 letters and digits. `not_rotated` is the reason against automatic rotation."""
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=f"Alsolike {settings.name}: {description}",
        generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
        removal_policy=removal_policy(settings),
    )
    acknowledge(secret, finding="AwsSolutions-SMG4", reason=not_rotated)
    return secret

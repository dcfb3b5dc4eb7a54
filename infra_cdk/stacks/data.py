"""Stateful resources, which remain if the other stacks are deleted."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from infra_cdk.constructs.alarm_topic import Alerts
from infra_cdk.constructs.bucket_replication import ARTEFACTS_FROM_PRIMARY, LAKE, Replication
from infra_cdk.constructs.buckets import DataLake, removal_policy
from infra_cdk.constructs.encryption import encryption_key
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack

LAKE_OUTPUT, ARTEFACTS_OUTPUT, KEY_OUTPUT = "LakeBucket", "ArtefactBucket", "EncryptionKey"
"""Outputs of the replica's data stack with the names of its buckets and the ARN of its key."""


class DataStack(Stack):
    """Event stream, buckets, tables, keys and the topic for alerts.

    Attributes
    ----------
    encryption
        Key that encrypts the stored data of all stacks. None for keys of AWS.
    replica_key_arn
        ARN of the key of the second region. None for keys of AWS, and for a deployment in one region.
    tracking_id
        Tracking ID that clients of Personalize's event API send.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "data", settings=settings, description="stored data", protected=settings.is_protected)
        self.encryption = encryption_key(self, "Encryption", settings=settings, removal_policy=removal_policy(settings))
        data_lake = DataLake(self, "DataLake", settings=settings, has_two_regions=settings.replica_region is not None)
        self.replica_key_arn = None
        if settings.replica_region:
            if self.encryption:
                self.replica_key_arn = cdk.Fn.get_stack_output(self.stack_name, KEY_OUTPUT, settings.replica_region)
            self._replicate(settings.replica_region, data_lake)
        self.lake, self.artefacts = data_lake.lake, data_lake.artefacts
        self.database_name = data_lake.database_name
        self.stream = event_stream(Construct(self, "Events"), settings=settings)
        # Unused table of version 0.2. Its exports must exist until the stacks that import them are updated.
        packed_profiles = _table(
            self, "Profiles", key="profile_id", settings=settings, expires_with="expires_at", backups=False
        )
        for exported in (packed_profiles.table_name, packed_profiles.table_arn):
            self.export_value(exported)
        self.profiles: dynamodb.ITableV2 = _table(
            self,
            "ProfileItems",
            key=PROFILES_PARTITION_KEY,
            sort_key=PROFILES_SORT_KEY,
            settings=settings,
            expires_with="expires_at",
            backups=False,  # `alsolike rebuild profiles` restores profiles from the lake
            warm_writes_per_s=settings.profiles_warm_writes_per_s,
            replica_region=settings.replica_region,
        )
        self.catalogue: dynamodb.ITableV2 = _table(
            self,
            "Catalogue",
            key="item_id",
            settings=settings,
            has_stream=True,
            replica_region=settings.replica_region,
        )
        self.users: dynamodb.ITableV2 = _table(
            self, "Users", key="user_id", settings=settings, has_stream=True, replica_region=settings.replica_region
        )
        self.keys, self.resources, self.keys_encryption = regional_stores(self, settings=settings)
        self.tracking_id = f"alsolike-{settings.name}"
        self.hash_key: secretsmanager.ISecret = _key(
            self,
            "HashKey",
            description="key of the hashes that replace IDs; never change it",
            not_rotated="Another key would change the hash of every ID: a rotation would restore erased users, and "
            "separate users with pseudonymised IDs from their history",
            settings=settings,
        )
        self.session_key: secretsmanager.ISecret = _key(
            self,
            "SessionKey",
            description="key that signs session tokens; the previous value remains valid until the next change",
            not_rotated="The shop's backend signs with the key and must read a new one, so the shop decides when; "
            "the current and the previous value are both valid, and their tokens expire within an hour",
            settings=settings,
        )
        self.alerts = Alerts(self, "Alerts", settings=settings)
        publish_names(self, data=self, data_lake=data_lake, other_region=settings.replica_region)

    def _replicate(self, region: str, data_lake: DataLake) -> None:
        keys = None
        if self.encryption and self.replica_key_arn:
            keys = self.encryption.key_arn, self.replica_key_arn
        for bucket, output, prefixes in (
            (data_lake.lake, LAKE_OUTPUT, LAKE),
            (data_lake.artefacts, ARTEFACTS_OUTPUT, ARTEFACTS_FROM_PRIMARY),
        ):
            Replication(
                self,
                f"{output}Replication",
                bucket=bucket,
                to_bucket=cdk.Fn.get_stack_output(self.stack_name, output, region),
                to_region=region,
                prefixes=prefixes,
                keys=keys,
            )


def publish_names(stack: Stack, *, data: StoredData, data_lake: DataLake, other_region: str | None) -> None:
    def dataset_arn(dataset: str) -> str:
        return f"arn:{stack.partition}:personalize:{stack.region}:{stack.account}:dataset/{data.tracking_id}/{dataset}"

    stack.publish(
        region=stack.region,
        stream_name=data.stream.stream_name,
        lake_bucket=data.lake.bucket_name,
        artefact_bucket=data.artefacts.bucket_name,
        profiles_table=data.profiles.table_name,
        catalogue_table=data.catalogue.table_name,
        users_table=data.users.table_name,
        keys_table=data.keys.table_name,
        keys_encryption_arn=data.keys_encryption.key_arn,
        tracking_id=data.tracking_id,
        items_dataset_arn=dataset_arn("ITEMS"),
        users_dataset_arn=dataset_arn("USERS"),
        glue_database=data_lake.database_name,
        glue_table=data_lake.table_name,
        hash_key_arn=data.hash_key.secret_arn,
        session_key_arn=data.session_key.secret_arn,
        alerts_topic_arn=data.alerts.topic_arn,
        **({"other_region": other_region} if other_region else {}),
        **({"kms_key_arn": data.encryption.key_arn} if data.encryption else {}),
    )


def event_stream(scope: Construct, *, settings: Settings) -> kinesis.Stream:
    """Create the stream of interactions.

    The partition key depends only on the profile ID, so the interactions of a profile share a shard, which preserves
    their order.
    """
    provisioned = settings.stream_mode == "provisioned"
    return kinesis.Stream(
        scope,
        "Stream",
        stream_mode=kinesis.StreamMode.PROVISIONED if provisioned else kinesis.StreamMode.ON_DEMAND,
        shard_count=settings.stream_shards if provisioned else None,
        retention_period=cdk.Duration.hours(settings.stream_retention_hours),
        encryption=kinesis.StreamEncryption.MANAGED,
        removal_policy=removal_policy(settings),
    )


def regional_stores(scope: Construct, *, settings: Settings) -> tuple[dynamodb.TableV2, dynamodb.TableV2, kms.Key]:
    """Create the stores that are not replicated: signing keys with their KMS key, and clients' resources."""
    keys = _table(scope, "Keys", key="key_id", settings=settings)
    resources = _table(scope, "Resources", key="kind", sort_key="id", settings=settings, expires_with="expires_at")
    encryption = kms.Key(
        scope,
        "KeysEncryption",
        description=f"Alsolike {settings.name}: encrypts the secrets of keys that sign requests",
        enable_key_rotation=True,
        removal_policy=removal_policy(settings),
    )
    return keys, resources, encryption


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
    replica_region: str | None = None,
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
        dynamo_stream=_stream_view(settings) if has_stream else None,
        replicas=[dynamodb.ReplicaTableProps(region=replica_region)] if replica_region else None,
        deletion_protection=settings.removal_policy == "retain",
        removal_policy=removal_policy(settings, protected=True),
    )


def _stream_view(settings: Settings) -> dynamodb.StreamViewType:
    if settings.replica_streams:
        return dynamodb.StreamViewType.NEW_AND_OLD_IMAGES
    return dynamodb.StreamViewType.NEW_IMAGE


def _key(
    scope: Construct, construct_id: str, *, description: str, not_rotated: str, settings: Settings
) -> secretsmanager.Secret:
    """Create a secret of 64 letters and digits. `not_rotated` is the reason against automatic rotation."""
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=f"Alsolike {settings.name}: {description}",
        generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
        replica_regions=[secretsmanager.ReplicaRegion(region=settings.replica_region)]
        if settings.replica_region
        else None,
        removal_policy=removal_policy(settings),
    )
    acknowledge(secret, finding="AwsSolutions-SMG4", reason=not_rotated)
    return secret

"""Stored data of the second region."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra_cdk.constructs.alarm_topic import Alerts
from infra_cdk.constructs.bucket_replication import ARTEFACTS_FROM_REPLICA, LAKE, Replication
from infra_cdk.constructs.buckets import DataLake, removal_policy
from infra_cdk.constructs.encryption import encryption_key
from infra_cdk.constructs.permissions import colon_arn
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import (
    ARTEFACTS_OUTPUT,
    KEY_OUTPUT,
    LAKE_OUTPUT,
    DataStack,
    event_stream,
    publish_names,
    regional_stores,
)
from infra_cdk.stacks.stack import Stack


class ReplicaDataStack(Stack):
    """Buckets, stream and tables of the second region, and references to the replicas of tables and secrets.

    The primary's data stack creates these replicas. The primary is first deployed without `replica_region`. After this
    stack exists, the primary is updated with the setting. Each stack reads outputs of the other by name, because
    exports can be imported only in their region.
    """

    def __init__(self, scope: Construct, *, settings: Settings, primary: DataStack) -> None:
        super().__init__(
            scope,
            "data",
            settings=settings,
            description="stored data of the second region",
            protected=settings.is_protected,
        )
        self._primary = primary
        self.encryption = encryption_key(self, "Encryption", settings=settings, removal_policy=removal_policy(settings))
        keys = None
        if self.encryption and primary.encryption:
            cdk.CfnOutput(self, KEY_OUTPUT, value=self.encryption.key_arn)
            keys = self.encryption.key_arn, self._import_from_primary(primary.encryption.key_arn)
        data_lake = DataLake(self, "DataLake", settings=settings, has_two_regions=True)
        self.lake, self.artefacts = data_lake.lake, data_lake.artefacts
        self.database_name = data_lake.database_name
        for bucket, source, output, prefixes in (
            (self.lake, primary.lake, LAKE_OUTPUT, LAKE),
            (self.artefacts, primary.artefacts, ARTEFACTS_OUTPUT, ARTEFACTS_FROM_REPLICA),
        ):
            cdk.CfnOutput(self, output, value=bucket.bucket_name)
            name = self._import_from_primary(source.bucket_name)
            Replication(
                self,
                f"{output}Replication",
                bucket=bucket,
                to_bucket=name,
                to_region=primary.region,
                prefixes=prefixes,
                keys=keys,
            )
        self.stream = event_stream(Construct(self, "Events"), settings=settings)
        self.profiles = self._table("ProfileItems", primary.profiles)
        self.catalogue = self._table("Catalogue", primary.catalogue)
        self.users = self._table("Users", primary.users)
        self.keys, self.resources, self.keys_encryption = regional_stores(self, settings=settings)
        self.tracking_id = primary.tracking_id
        self.hash_key = self._secret("HashKey", primary.hash_key)
        self.session_key = self._secret("SessionKey", primary.session_key)
        self.alerts = Alerts(self, "Alerts", settings=settings)
        publish_names(self, data=self, data_lake=data_lake, other_region=primary.region)

    def _import_from_primary(self, value: str) -> str:
        """Export a value of the primary's data stack, and return a reference to the output."""
        export = self._primary.resolve(self._primary.export_value(value))["Fn::ImportValue"]
        return cdk.Fn.get_stack_output(self._primary.stack_name, export.partition(":")[2], self._primary.region)

    def _table(self, construct_id: str, table: dynamodb.ITableV2) -> dynamodb.ITableV2:
        """Return the replica of a table. All replicas of a table have the same name."""
        return dynamodb.TableV2.from_table_name(self, construct_id, self._import_from_primary(table.table_name))

    def _secret(self, construct_id: str, secret: secretsmanager.ISecret) -> secretsmanager.ISecret:
        """Return the replica of a secret. The ARNs of all replicas differ in the region only."""
        # Fn::Split does not accept Fn::GetStackOutput itself.
        arn_of_primary = cdk.Fn.sub("${Arn}", {"Arn": self._import_from_primary(secret.secret_arn)})
        parts = cdk.Fn.split(":", arn_of_primary)
        arn = colon_arn(self, "secretsmanager", "secret", cdk.Fn.select(6, parts))
        return secretsmanager.Secret.from_secret_complete_arn(self, construct_id, arn)

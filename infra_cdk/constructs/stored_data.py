"""Interface of the stored data that constructs read and write."""

from collections.abc import Callable, Mapping
from typing import Protocol

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra_cdk.constructs.alarm_topic import Alerts


class StoredData(Protocol):
    lake: s3.Bucket
    artefacts: s3.Bucket
    stream: kinesis.Stream
    profiles: dynamodb.ITableV2
    catalogue: dynamodb.ITableV2
    users: dynamodb.ITableV2
    keys: dynamodb.TableV2
    resources: dynamodb.TableV2
    keys_encryption: kms.Key
    encryption: kms.IKey | None
    hash_key: secretsmanager.ISecret
    session_key: secretsmanager.ISecret
    database_name: str
    tracking_id: str
    alerts: Alerts


NAMES: Mapping[str, Callable[[StoredData], str]] = {
    "artefact_bucket": lambda data: data.artefacts.bucket_name,
    "lake_bucket": lambda data: data.lake.bucket_name,
    "stream_name": lambda data: data.stream.stream_name,
    "profiles_table": lambda data: data.profiles.table_name,
    "catalogue_table": lambda data: data.catalogue.table_name,
    "users_table": lambda data: data.users.table_name,
    "keys_table": lambda data: data.keys.table_name,
    "resources_table": lambda data: data.resources.table_name,
    "secret_arn": lambda data: data.hash_key.secret_arn,
    "session_key_arn": lambda data: data.session_key.secret_arn,
    "tracking_id": lambda data: data.tracking_id,
}
"""Names, and ARNs of secrets, by the field in the settings of functions."""

ARNS: Mapping[str, Callable[[StoredData], str]] = {
    "lake": lambda data: data.lake.bucket_arn,
    "artefacts": lambda data: data.artefacts.bucket_arn,
    "stream": lambda data: data.stream.stream_arn,
    "profiles": lambda data: data.profiles.table_arn,
    "catalogue": lambda data: data.catalogue.table_arn,
    "catalogue_changes": lambda data: data.catalogue.table_stream_arn or "",
    "users": lambda data: data.users.table_arn,
    "users_changes": lambda data: data.users.table_stream_arn or "",
    "keys": lambda data: data.keys.table_arn,
    "resources": lambda data: data.resources.table_arn,
    "keys_encryption": lambda data: data.keys_encryption.key_arn,
    "hash_key": lambda data: data.hash_key.secret_arn,
    "session_key": lambda data: data.session_key.secret_arn,
    "*": lambda data: "*",
}
"""ARNs of stored data, by the resource in the manifests of functions."""

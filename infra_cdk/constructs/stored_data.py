"""The stored data that constructs read and write."""

from typing import Protocol

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns


class StoredData(Protocol):
    """Buckets, tables, stream, keys and topic, which the data stack owns."""

    lake: s3.Bucket
    artefacts: s3.Bucket
    stream: kinesis.Stream
    profiles: dynamodb.TableV2
    catalogue: dynamodb.TableV2
    users: dynamodb.TableV2
    keys: dynamodb.TableV2
    keys_encryption: kms.Key
    hash_key: secretsmanager.Secret
    alerts: sns.Topic

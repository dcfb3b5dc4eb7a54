"""Types of functions' manifests, and the access that several functions need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from alsolike.declarations.storage import (
    CANARIES_PREFIX,
    CHAMPION_KEY,
    CONFIGURATION_KEY,
    DECISIONS_PREFIX,
    ERASURE_RECEIPTS_PREFIX,
    MODELS_PREFIX,
    SEGMENTS_PREFIX,
    SNAPSHOT_KEY,
    TOMBSTONES_KEY,
)

LIST = ("s3:ListBucket",)
READ = ("s3:GetObject",)
WRITE = ("s3:PutObject",)
DELETE = ("s3:DeleteObject",)


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Grant of IAM actions on a resource.

    Attributes
    ----------
    resource
        Name of the resource: a field of `StoredData` in `infra_cdk`, ``*``, a field of `settings.py` with an ARN, or
        another name that the function's stack resolves.
    keys
        Keys of objects in a bucket, with ``*`` as wildcard. Empty for the bucket itself, and for other resources.
    reason
        Justification of a ``*`` in the ARN.
    attributes
        Attributes of a DynamoDB table to which the actions are restricted. Empty for all attributes.
    needs_function
        True if the resource is created after the function. A separate policy then grants the access.
    """

    resource: str
    actions: tuple[str, ...]
    keys: tuple[str, ...] = ()
    reason: str = ""
    attributes: tuple[str, ...] = ()
    needs_function: bool = False


NAMED_LATER = "The names of these objects contain days, runs, versions, shards or hashes"


def below(
    resource: str, actions: tuple[str, ...], *prefixes: str, reason: str = NAMED_LATER, needs_function: bool = False
) -> Access:
    """Return the grant of `actions` on the objects of a bucket whose keys start with one of `prefixes`."""
    keys = tuple(f"{prefix}*" for prefix in prefixes)
    return Access(resource, actions, keys, reason, needs_function=needs_function)


class Trigger(Protocol):
    @property
    def access(self) -> tuple[Access, ...]: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Scheduled invocations.

    Attributes
    ----------
    setting
        Name of the setting with the schedule expression. Null disables the schedule.
    purpose
        Description of the EventBridge rule, without the prefix ``Alsolike ENVIRONMENT:``.
    """

    setting: str
    purpose: str
    retries: int
    max_age_minutes: int

    @property
    def access(self) -> tuple[Access, ...]:
        return ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventStream:
    """Batches of records of the event stream. A string instead of a number is the name of a setting.

    Attributes
    ----------
    retries
        Maximum number of retries, or -1 to retry until records expire.
    parallelization
        Number of concurrent batches per shard.
    """

    batch_size: int | str
    window_s: int | str
    retries: int | str
    parallelization: int | str = 1

    @property
    def access(self) -> tuple[Access, ...]:
        """Access to the stream (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html)."""
        calls = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
        return (Access("stream", tuple(f"kinesis:{call}" for call in calls)), *FAILURE_DESTINATION)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges:
    """Batches of changes of DynamoDB tables, retried until records expire."""

    tables: tuple[str, ...]
    batch_size: int
    window_s: str

    @property
    def access(self) -> tuple[Access, ...]:
        """Access to the tables' streams (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html)."""
        calls = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
        reason = "Listing the streams of an account can be granted on * only"
        return (
            *(Access(f"{table}_changes", calls) for table in self.tables),
            Access("*", ("dynamodb:ListStreams",), reason=reason),
            *FAILURE_DESTINATION,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTopic:
    """Batches of records of the Kafka topic in the settings, retried until Kafka deletes the records."""

    batch_size: int
    window_s: int

    @property
    def access(self) -> tuple[Access, ...]:
        """Access of Lambda's poller. The stack grants only the part of this access that the Kafka settings need.

        https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html
        https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-permissions.html
        """
        network = (
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "DescribeNetworkInterfaces",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeVpcs",
        )
        return (
            Access("kafka_cluster", ("kafka:DescribeClusterV2",)),
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedstreamingforapachekafka.html
            Access(
                "kafka_brokers",
                ("kafka:GetBootstrapBrokers",),
                reason="IAM has no resource for this action, so it can be granted on * only",
            ),
            Access("kafka_scram_cluster", ("kafka:ListScramSecrets",)),
            Access("kafka_secrets", ("secretsmanager:GetSecretValue",)),
            Access("kafka_key", ("kms:Decrypt",)),
            Access(
                "kafka_network",
                tuple(f"ec2:{call}" for call in network),
                reason="AWS documents the access to the network on * only",
            ),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Lines of another function's log. CloudWatch Logs invokes the function asynchronously.

    Attributes
    ----------
    field
        JSON path of a field. The function receives only lines with this field.
    """

    function: str
    field: str

    @property
    def access(self) -> tuple[Access, ...]:
        return FAILURE_DESTINATION


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Declaration of a function for the infrastructure, in addition to its code and `settings.py`.

    A string instead of a number is the name of a setting.

    Attributes
    ----------
    layers
        Folders under `layers/`, or `pandas` for the layer of AWS.
    optional_layers
        Layers that a setting adds, by the name of the setting.
    trigger
        Trigger of the function, or None, for example for routes of `alsolike.declarations.routes` and for workflows.
    variables
        Names of settings by field of `settings.py`, for fields whose name differs from the setting.
    packages
        Packages and modules of `operations` that are part of the function's code.
    single_threaded
        True to limit BLAS to one thread. On one processor, further threads only prolong the start.
    starts_fast
        True to apply the environment's SnapStart or provisioned concurrency, because callers wait for the function.
    reserved
        Name of the setting with the reserved concurrency.
    """

    description: str
    memory_mb: int | str
    timeout_s: int
    storage_mb: int | str = 512
    layers: tuple[str, ...] = ("core",)
    optional_layers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    access: tuple[Access, ...] = ()
    trigger: Trigger | None = None
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    packages: tuple[str, ...] = ()
    single_threaded: bool = False
    starts_fast: bool = False
    reserved: str | None = None


HASH_KEY = Access("hash_key", ("secretsmanager:GetSecretValue",))

CONFIGURATION = (
    Access("artefacts", READ, keys=(CONFIGURATION_KEY,)),
    # Without this permission, S3 returns 403 instead of 404 for an object that does not exist:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
    Access("artefacts", LIST),
)

LOGGED_TOMBSTONES = (
    Access("artefacts", READ, keys=(TOMBSTONES_KEY,)),
    below("artefacts", READ, ERASURE_RECEIPTS_PREFIX, reason="Receipts are named after erasures"),
    Access("artefacts", LIST),
)
"""Access to tombstones for readers of the recommendation log.

These readers compare hashes in the log, so they do not need the key of the hashes.
"""

TOMBSTONES = (*LOGGED_TOMBSTONES, HASH_KEY)

SNAPSHOT = (
    Access("artefacts", READ, keys=(SNAPSHOT_KEY,)),
    below("artefacts", READ, SEGMENTS_PREFIX, reason="Segments of the catalogue are named after their contents"),
)

SIGNING_KEYS = (
    Access("keys", ("dynamodb:GetItem",)),
    Access("keys", ("dynamodb:UpdateItem",), attributes=("key_id", "last_used_ms", "last_source", "calls")),
    Access("keys_encryption", ("kms:Decrypt",)),
)

MODELS = (
    Access("artefacts", LIST),  # Also needed so that S3 returns 404 instead of 403.
    Access("artefacts", READ + WRITE, keys=(CHAMPION_KEY,)),
    below(
        "artefacts",
        READ + WRITE,
        DECISIONS_PREFIX,
        reason="Each version has a decision, which states the reason of a forced promotion",
    ),
    below("artefacts", READ, CANARIES_PREFIX, reason="Each canary version has a report"),
    Access(
        "artefacts",
        READ,
        keys=(f"{MODELS_PREFIX}*/manifest.json",),
        reason="Any version can be read and promoted",
    ),
    Access("model_packages", ("sagemaker:ListModelPackages",)),
    Access(
        "model_versions",
        ("sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"),
        reason="SageMaker numbers the packages of the group as they are created",
    ),
    Access("state_machine_arn", ("states:StartExecution", "states:ListExecutions")),
    Access(
        "training_runs",
        ("states:DescribeExecution", "states:GetExecutionHistory"),
        reason="Each run is an execution with a unique name",
    ),
)

FAILURE_DESTINATION = (
    # AWS documents the permission only for the complete bucket, not for `aws/lambda/`. Therefore the role may write to
    # the bucket, and the infrastructure denies the prefixes of other functions:
    # https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    Access("lake", WRITE, keys=("*",), reason="AWS documents the permission for the whole bucket"),
    Access("lake", LIST),
)
"""Access to the destination of batches that Lambda does not retry further."""

"""Manifests: description, resources, access and trigger of each function, which infrastructure reads."""

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
    """A grant of actions on a resource.

    Attributes
    ----------
    resource
        A field of infrastructure's `StoredData`, ``*``, a field of `settings.py` with an ARN, or another name that the
        function's stack resolves.
    actions
        IAM actions.
    keys
        Keys of objects in a bucket, in which ``*`` stands for any text; empty for the bucket itself.
    reason
        Why the ARN contains a ``*``, if it does.
    attributes
        The only attributes of a DynamoDB table that the actions may use; none for all.
    needs_function
        True if the resource is created after the function, so that a policy apart from the role grants the access.
    """

    resource: str
    actions: tuple[str, ...]
    keys: tuple[str, ...] = ()
    reason: str = ""
    attributes: tuple[str, ...] = ()
    needs_function: bool = False


class Trigger(Protocol):
    """Source of invocations, with the access that Lambda needs for it in the function's role."""

    @property
    def access(self) -> tuple[Access, ...]:
        """The access of Lambda."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Invocations at the times of a setting; none if it is null.

    Attributes
    ----------
    purpose
        The rest of the description ``Alsolike ENVIRONMENT: …``.
    retries, max_age_minutes
        Limits of the retries of a failed invocation.
    """

    setting: str
    purpose: str
    retries: int
    max_age_minutes: int

    @property
    def access(self) -> tuple[Access, ...]:
        """None."""
        return ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventStream:
    """Batches of the event stream. Numbers may be names of settings.

    Attributes
    ----------
    retries
        -1: until the records are too old.
    parallelization
        Batches of a shard at a time.
    """

    batch_size: int | str
    window_s: int | str
    retries: int | str
    parallelization: int | str = 1

    @property
    def access(self) -> tuple[Access, ...]:
        """The access to the stream (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html)."""
        calls = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
        return (Access("stream", tuple(f"kinesis:{call}" for call in calls)), *FAILURE_DESTINATION)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges:
    """Batches of the changes of DynamoDB tables, until the records are too old."""

    tables: tuple[str, ...]
    batch_size: int
    window_s: str

    @property
    def access(self) -> tuple[Access, ...]:
        """The access to the tables' streams (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html)."""
        calls = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
        reason = "Listing the streams of an account can be granted on * only"
        return (
            *(Access(f"{table}_changes", calls) for table in self.tables),
            Access("*", ("dynamodb:ListStreams",), reason=reason),
            *FAILURE_DESTINATION,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTopic:
    """Batches of the Kafka topic of the settings; Lambda retries a failed batch until Kafka deletes its records."""

    batch_size: int
    window_s: int

    @property
    def access(self) -> tuple[Access, ...]:
        """The access of Lambda's poller; what the settings do not name is left out.

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
    function
        The function that writes the log.
    field
        JSON path of a field that only the selected lines have.
    """

    function: str
    field: str

    @property
    def access(self) -> tuple[Access, ...]:
        """The access to the store of failed deliveries."""
        return FAILURE_DESTINATION


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything about a function that infrastructure needs besides its code and its `settings.py`.

    Numbers may be names of settings.

    Attributes
    ----------
    layers
        Folders under `layers/`; `pandas` is the layer that AWS publishes.
    optional_layers
        Layers by the setting that adds them.
    trigger
        What invokes the function besides the routes in `alsolike.declarations.routes`, if no workflow does.
    variables
        Names of settings by fields of `settings.py` that have another name.
    packages
        Packages and modules of `operations` that its code contains.
    single_threaded
        True to let BLAS use one thread: on one processor, threads only cost start-up time.
    starts_fast
        True if callers wait: the environment's SnapStart or provisioned concurrency applies.
    reserved
        Setting with the reserved concurrency.
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
"""Secret of the hashes of ids."""

CONFIGURATION = (
    Access("artefacts", READ, keys=(CONFIGURATION_KEY,)),
    # Without it, S3 answers 403, not 404, for an object that does not exist:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
    Access("artefacts", LIST),
)

LOGGED_TOMBSTONES = (
    Access("artefacts", READ, keys=(TOMBSTONES_KEY,)),
    Access("artefacts", READ, keys=(f"{ERASURE_RECEIPTS_PREFIX}*",), reason="Receipts are named after erasures"),
    Access("artefacts", LIST),
)
"""Tombstones of users by their hash in the recommendation log, for which the secret is not needed."""

TOMBSTONES = (*LOGGED_TOMBSTONES, HASH_KEY)

SNAPSHOT = (
    Access("artefacts", READ, keys=(SNAPSHOT_KEY,)),
    Access(
        "artefacts",
        READ,
        keys=(f"{SEGMENTS_PREFIX}*",),
        reason="Segments of the catalogue are named after their contents",
    ),
)
"""Snapshot of the catalogue."""

SIGNING_KEYS = (
    Access("keys", ("dynamodb:GetItem",)),
    Access("keys", ("dynamodb:UpdateItem",), attributes=("key_id", "last_used_ms", "last_source", "calls")),
    Access("keys_encryption", ("kms:Decrypt",)),
)
"""Keys of signed requests, their secrets, and the day of their last use."""

MODELS = (
    Access("artefacts", LIST),  # also so that S3 answers 404, not 403
    Access("artefacts", READ + WRITE, keys=(CHAMPION_KEY,)),
    Access(
        "artefacts",
        READ + WRITE,
        keys=(f"{DECISIONS_PREFIX}*",),
        reason="Each version has a decision, which states the reason of a forced promotion",
    ),
    Access("artefacts", READ, keys=(f"{CANARIES_PREFIX}*",), reason="Each version on trial has a report"),
    Access(
        "artefacts",
        READ,
        keys=(f"{MODELS_PREFIX}*/manifest.json",),
        reason="Any version may be looked at and promoted",
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
        reason="Each run is an execution with a name of its own",
    ),
)
"""Model versions, to read and to promote, and training runs, to start and to read."""

FAILURE_DESTINATION = (
    # AWS does not document that Lambda accepts a role which may write below `aws/lambda/` only. So the role may write
    # the whole bucket, and infrastructure denies it the prefixes of other functions:
    # https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    Access("lake", WRITE, keys=("*",), reason="AWS documents the permission for the whole bucket"),
    Access("lake", LIST),
)
"""Store of batches that Lambda gives up on."""

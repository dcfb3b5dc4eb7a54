"""The stream of interactions, and how functions consume it."""

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.constructs.data_lake import removal_policy
from infra_cdk.constructs.permissions import Permission, failure_destination
from infra_cdk.settings import Settings


class EventStream(Construct):
    """A Kinesis stream; the records of one user or session share a shard and so keep their order."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        provisioned = settings.stream_mode == "provisioned"
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_mode=kinesis.StreamMode.PROVISIONED if provisioned else kinesis.StreamMode.ON_DEMAND,
            shard_count=settings.stream_shards if provisioned else None,
            retention_period=cdk.Duration.hours(settings.stream_retention_hours),
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=removal_policy(settings),
        )


def consume(
    function: lambda_.IFunction,
    *,
    stream: kinesis.IStream,
    failed: s3.IBucket,
    settings: Settings,
    batch_size: int,
    window_s: int,
    retries: int,
    parallelization: int = 1,
) -> None:
    """Give a function the stream's records in batches.

    Lambda halves a batch that fails until it has one record. If the handler names a failed record, Lambda retries that
    record and all after it in the batch. Records that still fail after the retries, or are about to leave the stream,
    go to the `failed` bucket.

    Parameters
    ----------
    function
        An alias. Its role needs `consumer_permissions`.
    retries
        -1: until the records are too old (`Settings.record_age_hours`).
    parallelization
        Batches of a shard at a time.
    """
    function.add_event_source(
        sources.KinesisEventSource(
            stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=batch_size,
            parallelization_factor=parallelization,
            max_batching_window=cdk.Duration.seconds(window_s),
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=retries,
            max_record_age=cdk.Duration.hours(settings.record_age_hours),
            # SQS would keep only where the records are; S3 keeps the records.
            on_failure=sources.S3OnFailureDestination(failed),
        )
    )


def consumer_permissions(*, stream: kinesis.IStream, failed: s3.IBucket) -> list[Permission]:
    """Return what Lambda does in the name of a function that consumes the stream."""
    return [
        Permission(
            actions=[
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            resources=[stream.stream_arn],
        ),
        *failure_destination(failed),
    ]

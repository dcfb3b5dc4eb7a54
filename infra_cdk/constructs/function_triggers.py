"""Triggers that functions' manifests declare."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.manifest import EventStream, KafkaTopic, LogLines, Schedule, TableChanges, Trigger
from alsolike.declarations.retention import TABLE_STREAM_DAYS
from infra_cdk.constructs.kafka_source import read_topic
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

_METRICS = lambda_.MetricsConfig(metrics=[lambda_.MetricType.EVENT_COUNT])
"""Free metrics of each mapping, including the number of events in failed batches."""


def attach(
    trigger: Trigger | None, function: lambda_.IFunction, scope: Construct, *, settings: Settings, data: StoredData
) -> list[str]:
    """Connect `trigger` to the alias `function`, and return the IDs of the event source mappings.

    The rule of a schedule is created in `scope`.
    """
    match trigger:
        case EventStream():
            return [_consume(trigger, function, settings=settings, data=data)]
        case TableChanges():
            return [_follow(table, trigger, function, settings=settings, data=data) for table in trigger.tables]
        case KafkaTopic():
            return [read_topic(trigger, function, scope, settings=settings)]
        case LogLines():
            function.configure_async_invoke(
                on_failure=destinations.S3Destination(data.lake), retry_attempts=2, max_event_age=cdk.Duration.hours(6)
            )
        case Schedule():
            _schedule(trigger, function, scope, settings=settings)
    return []


def invoke_for_objects(
    function: lambda_.IFunction,
    scope: Construct,
    construct_id: str,
    *,
    settings: Settings,
    purpose: str,
    bucket: s3.IBucket,
    keys: Sequence[object],
    retries: int = 2,
    max_age_hours: int = 2,
) -> None:
    """Invoke a function when an object with one of `keys` is written.

    An element of `keys` is a complete key, or a filter of EventBridge such as ``{"prefix": ...}``.
    """
    events.Rule(
        scope,
        construct_id,
        description=f"Alsolike {settings.name}: {purpose}",
        event_pattern=events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": list(keys)}},
        ),
        targets=[
            targets.LambdaFunction(function, retry_attempts=retries, max_event_age=cdk.Duration.hours(max_age_hours))
        ],
    )


def _consume(trigger: EventStream, function: lambda_.IFunction, *, settings: Settings, data: StoredData) -> str:
    """Invoke a function with batches of the stream's records.

    Lambda splits a failing batch in half until it has one record. If the handler reports a failed record, Lambda
    retries this record and the later records of the batch. Records that still fail after the retries, or that are about
    to leave the stream, are stored in the lake bucket.
    """
    source = sources.KinesisEventSource(
        data.stream,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=settings.number(trigger.batch_size),
        parallelization_factor=settings.number(trigger.parallelization),
        max_batching_window=cdk.Duration.seconds(settings.number(trigger.window_s)),
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        retry_attempts=settings.number(trigger.retries),
        max_record_age=cdk.Duration.hours(settings.record_age_hours),
        # SQS would only store the positions of the records. S3 stores the records.
        on_failure=sources.S3OnFailureDestination(data.lake),
        metrics_config=_METRICS,
    )
    function.add_event_source(source)
    return source.event_source_mapping_id


def _follow(
    table: str, trigger: TableChanges, function: lambda_.IFunction, *, settings: Settings, data: StoredData
) -> str:
    """Invoke a function with the changes of a table. Lambda retries a batch until shortly before its records expire.

    The function skips unreadable records, so splitting batches would not help.
    """
    source = sources.DynamoEventSource(
        getattr(data, table),
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=trigger.batch_size,
        max_batching_window=cdk.Duration.seconds(settings.number(trigger.window_s)),
        retry_attempts=-1,
        max_record_age=cdk.Duration.hours(24 * TABLE_STREAM_DAYS - 1),
        on_failure=sources.S3OnFailureDestination(data.lake),
        metrics_config=_METRICS,
    )
    function.add_event_source(source)
    return source.event_source_mapping_id


def _schedule(trigger: Schedule, function: lambda_.IFunction, scope: Construct, *, settings: Settings) -> None:
    expression = getattr(settings, trigger.setting)
    if expression is None:
        return
    # A dead-letter queue is not needed: events have no content, the next event replaces a lost event, and alarms
    # report outdated results.
    target = targets.LambdaFunction(
        function, retry_attempts=trigger.retries, max_event_age=cdk.Duration.minutes(trigger.max_age_minutes)
    )
    events.Rule(
        scope,
        "Schedule",
        description=f"Alsolike {settings.name}: {trigger.purpose}",
        schedule=events.Schedule.expression(expression),
        targets=[target],
    )

"""Handler that sends a batch of Kafka records to the event stream."""

from __future__ import annotations

import functools
import os
import time
from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.tombstones import user_ids
from alsolike.runtime.aws import client
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.polling import Polling
from alsolike.runtime.settings import from_environment
from functions.read_kafka.service import KafkaReader, kafka_records
from functions.read_kafka.settings import Settings

PUT_ATTEMPTS = 60
"""Maximum number of attempts to put records on the stream. If a batch exceeds a shard's throughput, the call's time
usually ends before the last attempt. Lambda then retries the batch.
"""


@functools.cache
def _reader() -> KafkaReader:
    settings = from_environment(Settings, os.environ)
    s3 = client("s3")
    return KafkaReader(
        EventStream(client("kinesis"), settings.stream_name, attempts=PUT_ATTEMPTS),
        s3=s3,
        lake_bucket=settings.lake_bucket,
        tracking_id=settings.tracking_id,
        configurations=ConfigurationReader(
            s3, settings.artefact_bucket, polling=Polling(settings.configuration_check_s)
        ),
        user_ids=user_ids(
            s3,
            settings.artefact_bucket,
            client("secretsmanager"),
            settings.secret_arn,
            pseudonymise=bool(settings.pseudonymise_ids),
            check_s=settings.tombstone_check_s,
        ),
    )


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Put the events of a batch on the stream. After an error, Lambda sends the batch again."""
    outcome = _reader().read(
        kafka_records(event),
        now_ms=time.time_ns() // 1_000_000,
        remaining_ms=context.get_remaining_time_in_millis,
    )
    if outcome.accepted:
        count(Metric.EVENTS_ACCEPTED, outcome.accepted)
    if outcome.erased:
        count(Metric.EVENTS_OF_ERASED_USERS, outcome.erased)
    if outcome.quarantined:
        count(Metric.RECORDS_QUARANTINED, outcome.quarantined)
        logger.warning("records quarantined", records=outcome.quarantined)

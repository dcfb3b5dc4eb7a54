"""Poller of a Kafka topic for a mapping, with a consumer group of the cluster.

The poller commits offsets after the function has succeeded. A batch is delivered again if the function fails or the
cloud ends during the invocation.

https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-process.html
"""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.execution.function import InvocationResult
from local_cloud.sources.mapping import EventSourceMapping, KafkaSource
from local_cloud.sources.poller import LARGEST_BATCH_BYTES, Poller, PollerServices
from local_cloud.sources.stream_batches import StreamBatches, StreamRecord

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_SESSION_TIMEOUT_MS = 6_000
"""Time after which another member replaces a killed member. By default, brokers do not permit a shorter time."""
_LONGEST_BATCH_MS = 86_400_000
"""Maximum time for a batch with its retries. After this time, the consumer group replaces the poller."""
_METADATA_MS = 5_000
_RECORD_OVERHEAD_BYTES = 300
_LAG_S = 5.0
_SHORTEST_WINDOW_S = 0.1
_RETRY_S = 2.0
_TIMESTAMP_TYPES = {1: "CREATE_TIME", 2: "LOG_APPEND_TIME"}
_SCRAM = {"SASL_SCRAM_256_AUTH": "SCRAM-SHA-256", "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512", "BASIC_AUTH": "PLAIN"}


def client_configuration(kafka: KafkaSource, *, read_secret: Callable[[str], Mapping[str, str]]) -> dict[str, Any]:
    """Return the configuration of librdkafka with the credentials of a mapping. Subnets are ignored.

    `read_secret` returns the fields of a secret by its ARN. Lambda sends user names and passwords only over TLS.
    """
    configuration: dict[str, Any] = {
        "bootstrap.servers": ",".join(kafka.servers),
        "group.id": kafka.group_id,
        "auto.offset.reset": "latest" if kafka.from_latest else "earliest",
        "enable.auto.commit": False,
        "session.timeout.ms": _SESSION_TIMEOUT_MS,
        "max.poll.interval.ms": _LONGEST_BATCH_MS,
        "topic.metadata.refresh.interval.ms": _METADATA_MS,
    }
    for kind, arn in kafka.access:
        if kind in _SCRAM:
            secret = read_secret(arn)
            configuration |= {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": _SCRAM[kind],
                "sasl.username": secret["username"],
                "sasl.password": secret["password"],
            }
        elif kind == "CLIENT_CERTIFICATE_TLS_AUTH":
            secret = read_secret(arn)
            configuration |= {
                "security.protocol": "SSL",
                "ssl.certificate.pem": secret["certificate"],
                "ssl.key.pem": secret["privateKey"],
            }
            if password := secret.get("privateKeyPassword"):
                configuration["ssl.key.password"] = password
        elif kind == "SERVER_ROOT_CA_CERTIFICATE":
            configuration["ssl.ca.pem"] = read_secret(arn)["certificate"]
            configuration.setdefault("security.protocol", "SSL")
    return configuration


class KafkaPoller(Poller):
    def __init__(self, mapping: EventSourceMapping, kafka: KafkaSource, services: PollerServices) -> None:
        super().__init__(mapping, services)
        self._kafka = kafka
        self._batches = StreamBatches(
            mapping, invoke=self._deliver, discard=lambda _: None, pause=self._pause_between_attempts
        )
        self._consumer: Consumer | None = None
        self._lag_due = 0.0

    def _run(self) -> None:
        from confluent_kafka import KafkaException

        while not self._stopping.is_set():
            try:
                if self._consumer is None:
                    self._consumer = self._connect()
                self._poll(self._consumer)
            except (KafkaException, BotoCoreError, ClientError, LookupError, ValueError) as error:
                self._close()  # a new consumer starts at the committed offsets
                if not self._stopping.wait(_RETRY_S):
                    self._report(error)
        self._close()

    def _close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _connect(self) -> "Consumer":
        from confluent_kafka import Consumer

        configuration = client_configuration(self._kafka, read_secret=self._read_secret)
        consumer = Consumer({**configuration, "error_cb": self._report})
        consumer.subscribe([self._kafka.topic])
        return consumer

    def _read_secret(self, arn: str) -> Mapping[str, str]:
        secret = self._services.clients("secretsmanager").get_secret_value(SecretId=arn)
        fields: Mapping[str, str] = json.loads(secret["SecretString"])
        return fields

    def _poll(self, consumer: "Consumer") -> None:
        if not self._is_enabled():
            consumer.unsubscribe()
            while not (self._stopping.wait(_RETRY_S) or self._is_enabled()):
                pass
            consumer.subscribe([self._kafka.topic])
        messages = consumer.consume(self.mapping.batch_size, timeout=max(self.mapping.window_s, _SHORTEST_WINDOW_S))
        for message in messages:
            if error := message.error():
                self._report(error)
        for batch in _within_limit([message for message in messages if message.error() is None]):
            self._batches.process([_stream_record(message) for message in batch])
            if self._stopping.is_set():  # The batch may be unprocessed.
                return
            self._commit(consumer, batch)
        self._record_lag()

    def _commit(self, consumer: "Consumer", batch: Sequence["Message"]) -> None:
        from confluent_kafka import TopicPartition

        following = {message.partition(): int(message.offset() or 0) + 1 for message in batch}
        offsets = [TopicPartition(self._kafka.topic, int(key or 0), offset) for key, offset in following.items()]
        consumer.commit(offsets=offsets, asynchronous=False)

    def _deliver(self, records: Sequence[StreamRecord]) -> InvocationResult:
        by_partition: dict[str, list[Mapping[str, Any]]] = {}
        for record in records:
            place = f"{record.event['topic']}-{record.event['partition']}"
            by_partition.setdefault(place, []).append(record.event)
        event = {
            "eventSource": "SelfManagedKafka",
            "bootstrapServers": ",".join(self._kafka.servers),
            "records": by_partition,
        }
        return self.invoke_batch(event, records=len(records))

    def _pause_between_attempts(self, pause_s: float) -> bool:
        self._record_lag()
        return self._stopping.wait(pause_s)

    def _record_lag(self) -> None:
        """Record the number of the topic's unprocessed records as a metric."""
        if self._consumer is None or time.monotonic() < self._lag_due:
            return
        self._lag_due = time.monotonic() + _LAG_S
        lag = 0
        for committed in self._consumer.committed(self._consumer.assignment(), timeout=_RETRY_S):
            # Use the end offset of the last fetch, because librdkafka's mock broker returns a wrong end offset on
            # request.
            first, end = self._consumer.get_watermark_offsets(committed, cached=True) or (0, 0)
            lag += max(0, end - max(first, committed.offset))
        self._measure("OffsetLag", float(lag), unit="Count")


def _within_limit(messages: Sequence["Message"]) -> list[list["Message"]]:
    """Return the messages in batches that fit into an invocation."""
    batches: list[list[Message]] = []
    size_bytes = LARGEST_BATCH_BYTES
    for message in messages:
        needed = len(message) * 4 // 3 + _RECORD_OVERHEAD_BYTES
        if size_bytes + needed > LARGEST_BATCH_BYTES:
            batches.append([])
            size_bytes = 0
        batches[-1].append(message)
        size_bytes += needed
    return batches


def _stream_record(message: "Message") -> StreamRecord:
    kind, time_ms = message.timestamp()
    headers: Any = message.headers() or ()
    event: dict[str, Any] = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": time_ms,
        "timestampType": _TIMESTAMP_TYPES.get(kind, "NO_TIMESTAMP_TYPE"),
        "headers": [{name: list(value or b"")} for name, value in headers],
    }
    for name, content in (("key", message.key()), ("value", message.value())):
        if content is not None:
            event[name] = base64.b64encode(content).decode()
    return StreamRecord(f"{message.partition()}-{message.offset()}", time_ms / 1000, len(message), event)

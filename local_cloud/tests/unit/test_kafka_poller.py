"""Emulated event source of Kafka: its client, batches and offsets. The tests in tests/slow/kafka use a broker."""

import base64
import importlib.util
import json
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaException, TopicPartition

from builders import poller_services
from local_cloud.deployment import DeploymentError, Resource
from local_cloud.execution.function import InvocationResult
from local_cloud.sources import kafka_poller
from local_cloud.sources.kafka_poller import KafkaPoller, client_configuration
from local_cloud.sources.mapping import KafkaSource, read_mapping

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f:live"
SECRET, AUTHORITY = "arn:aws:secretsmanager:us-east-1:1:secret:s", "arn:aws:secretsmanager:us-east-1:1:secret:ca"
SECRETS = {
    SECRET: {"username": "shop", "password": "p", "certificate": "C", "privateKey": "K", "privateKeyPassword": "kp"},
    AUTHORITY: {"certificate": "CA"},
}
DONE, FAILED = InvocationResult("r", b"null", None, "1", 1.0), InvocationResult("r", b"{}", "Unhandled", "1", 1.0)


def read(**properties):
    properties = {
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["a:1", "b:2"]}},
        "FunctionName": FUNCTION,
        "Topics": ["shop-events"],
        "StartingPosition": "TRIM_HORIZON",
        **properties,
    }
    resource = Resource("shop", "Map", "AWS::Lambda::EventSourceMapping", "uuid-1", {}, properties)
    return read_mapping(resource, region="us-east-1", account="123456789012")


def test_mapping_is_read_from_its_properties():
    mapping = read(
        BatchSize=200,
        MaximumBatchingWindowInSeconds=1,
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "shop"},
        SourceAccessConfigurations=[{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET}],
        StartingPosition="LATEST",
    )

    assert (mapping.batch_size, mapping.window_s, mapping.name) == (200, 1.0, "shop-events -> f:live")
    assert mapping.kafka == KafkaSource(
        "shop-events", ("a:1", "b:2"), "shop", access=(("SASL_SCRAM_512_AUTH", SECRET),), from_latest=True
    )


def test_defaults_are_those_of_lambda():
    mapping = read()

    assert (mapping.batch_size, mapping.window_s, mapping.max_retries) == (100, 0.5, None)
    assert mapping.kafka == KafkaSource("shop-events", ("a:1", "b:2"), "uuid-1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("MaximumRetryAttempts", 3), ("DestinationConfig", {"OnFailure": {}}), ("StartingPosition", "X")],
)
def test_unsupported_property_is_refused_with_its_name(name, value):
    with pytest.raises(DeploymentError, match=f"resource Map .*, property {name}: "):
        read(**{name: value})


def test_missing_package_error_has_the_installation_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(DeploymentError, match="install it with: pip install confluent-kafka"):
        read()


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ((), {}),
        (
            (("SASL_SCRAM_512_AUTH", SECRET), ("VPC_SUBNET", "subnet:subnet-0a")),
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "shop",
                "sasl.password": "p",
            },
        ),
        (
            (("CLIENT_CERTIFICATE_TLS_AUTH", SECRET), ("SERVER_ROOT_CA_CERTIFICATE", AUTHORITY)),
            {
                "security.protocol": "SSL",
                "ssl.certificate.pem": "C",
                "ssl.key.pem": "K",
                "ssl.key.password": "kp",
                "ssl.ca.pem": "CA",
            },
        ),
        ((("SERVER_ROOT_CA_CERTIFICATE", AUTHORITY),), {"security.protocol": "SSL", "ssl.ca.pem": "CA"}),
    ],
)
def test_client_has_the_authentication_of_lambda(access, expected):
    kafka = KafkaSource("t", ("a:1", "b:2"), "shop", access=access)

    found = client_configuration(kafka, read_secret=SECRETS.__getitem__)

    assert (found["bootstrap.servers"], found["group.id"], found["enable.auto.commit"]) == ("a:1,b:2", "shop", False)
    assert {
        name: value for name, value in found.items() if name.split(".")[0] in ("security", "sasl", "ssl")
    } == expected


class Message:
    def __init__(self, offset, value=b"v", partition=0):
        self._values = {
            "topic": "shop-events",
            "partition": partition,
            "offset": offset,
            "value": value,
            "key": b"k",
            "error": None,
            "timestamp": (1, 1_790_000_000_000),
            "headers": [("trace", b"\x01\x02")],
        }

    def __getattr__(self, name):
        return lambda: self._values[name]

    def __len__(self):
        return len(self._values["value"] or b"")


class Consumers:
    """Consumers of one group. A new consumer continues at the committed offset."""

    def __init__(self, *messages):
        self.messages = messages
        self.offsets: dict[int, int] = {}
        self.started = 0
        self.commit_fails = False

    def __call__(self, configuration):
        self.started += 1
        self._left = [each for each in self.messages if each.offset() >= self.offsets.get(each.partition(), 0)]
        return self

    def subscribe(self, topics): ...

    def close(self): ...

    def consume(self, maximum, timeout):
        taken, self._left = self._left[:maximum], self._left[maximum:]
        return taken

    def commit(self, *, offsets, asynchronous):
        if self.commit_fails:
            self.commit_fails = False
            raise KafkaException("rebalanced")
        self.offsets |= {each.partition: each.offset for each in offsets}

    def assignment(self):
        return [TopicPartition("shop-events", 0)]

    def committed(self, partitions, timeout):
        return [TopicPartition("shop-events", 0, self.offsets.get(0, -1001))]

    def get_watermark_offsets(self, partition, cached):
        return 0, len(self.messages)


class Polled:
    """Poller of a group that stops after one invocation for each given result."""

    def __init__(self, group, monkeypatch, answers, **properties):
        monkeypatch.setattr(confluent_kafka, "Consumer", group)
        monkeypatch.setattr(kafka_poller, "_RETRY_S", 0.0)
        self.events: list[dict[str, Any]] = []
        self.metrics: list[float] = []
        self._answers = list(answers)
        mapping = read(**properties)
        assert mapping.kafka is not None
        self._poller = KafkaPoller(
            mapping,
            mapping.kafka,
            poller_services(invoke=self._invoke, metric=self._take, is_enabled=lambda _: True, report=lambda _: None),
        )
        self._poller.start()
        self._poller.join(60)

    def _take(self, namespace, name, value, /, *, unit="", **dimensions):
        assert (namespace, name, unit, dimensions["FunctionName"]) == ("AWS/Lambda", "OffsetLag", "Count", "f")
        self.metrics.append(value)

    def _invoke(self, function, payload):
        self.events.append(json.loads(payload))
        if len(self.events) == len(self._answers):
            self._poller.stop()
        return self._answers[len(self.events) - 1]

    @property
    def offsets(self):
        return [[r["offset"] for part in event["records"].values() for r in part] for event in self.events]


def test_function_gets_the_event_of_lambda(monkeypatch):
    polled = Polled(Consumers(Message(5), Message(7, None, partition=2)), monkeypatch, [DONE])

    (event,) = polled.events
    assert (event["eventSource"], event["bootstrapServers"]) == ("SelfManagedKafka", "a:1,b:2")
    assert event["records"].keys() == {"shop-events-0", "shop-events-2"}
    assert event["records"]["shop-events-0"] == [
        {
            "topic": "shop-events",
            "partition": 0,
            "offset": 5,
            "timestamp": 1_790_000_000_000,
            "timestampType": "CREATE_TIME",
            "key": base64.b64encode(b"k").decode(),
            "value": base64.b64encode(b"v").decode(),
            "headers": [{"trace": [1, 2]}],
        }
    ]
    assert "value" not in event["records"]["shop-events-2"][0]


def test_offsets_are_committed_only_after_success(monkeypatch):
    group = Consumers(Message(0), Message(1), Message(2))

    polled = Polled(group, monkeypatch, [DONE, FAILED, FAILED], BatchSize=2)

    assert polled.offsets == [[0, 1], [2], [2]]
    assert group.offsets == {0: 2}


def test_failed_commit_redelivers_from_the_last_committed_offset(monkeypatch):
    group = Consumers(Message(0), Message(1))
    group.commit_fails = True

    polled = Polled(group, monkeypatch, [DONE, DONE])

    assert (polled.offsets, group.started) == ([[0, 1], [0, 1]], 2)


def test_batch_stays_within_the_size_of_an_invocation(monkeypatch):
    large = b"x" * 3_000_000  # 4 MB in base64. The limit is 6 MB.

    polled = Polled(Consumers(Message(0, large), Message(1, large)), monkeypatch, [DONE, DONE])

    assert polled.offsets == [[0], [1]]


def test_lag_is_the_number_of_uncommitted_messages(monkeypatch):
    polled = Polled(Consumers(*map(Message, range(5))), monkeypatch, [DONE, FAILED, FAILED], BatchSize=2)

    assert set(polled.metrics) == {3.0}  # 5 records, of which 2 are committed

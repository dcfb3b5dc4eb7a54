import threading
from typing import Any

import pytest

from local_cloud.telemetry import log_sender as telemetry
from local_cloud.telemetry.log_sender import Pump


class CloudWatch:
    class exceptions:  # noqa: N801  botocore's name
        class ResourceAlreadyExistsException(Exception):
            pass

    def __init__(self):
        self.requests: list[list[Any]] = []

    def create_log_group(self, **_):
        pass

    create_log_stream = create_log_group

    def put_log_events(self, *, logEvents, **_):  # noqa: N803
        self.requests.append([event["message"] for event in logEvents])

    def put_metrics(self, namespace, data):
        self.requests.append([(namespace, datum["Value"]) for datum in data])


@pytest.fixture
def cloudwatch():
    return CloudWatch()


@pytest.fixture
def pump(cloudwatch, monkeypatch):
    monkeypatch.setattr(telemetry, "_GATHER_S", 60)
    pump = Pump(lambda service: cloudwatch, put_metrics=cloudwatch.put_metrics)
    yield pump
    pump.stop()


def test_lines_and_metrics_of_one_time_are_sent_in_one_request(pump, cloudwatch):
    for number in range(3):
        pump.log("group", "stream", f"line {number}")
        pump.metric("Shop", "Orders", number, shop=f"{number // 2}")

    assert pump.flush(timeout_s=60) == 0

    assert cloudwatch.requests == [["line 0", "line 1", "line 2"], [("Shop", 0), ("Shop", 1), ("Shop", 2)]]


def test_flush_sends_without_waiting_for_further_lines(pump, cloudwatch):
    for message in ("first", "second"):
        pump.log("group", "stream", message)

        assert pump.flush(timeout_s=60) == 0

    assert cloudwatch.requests == [["first"], ["second"]]


def test_writer_waits_while_the_queue_is_full(pump, cloudwatch, monkeypatch):
    monkeypatch.setattr(telemetry, "_MAX_QUEUED", 3)
    monkeypatch.setattr(telemetry, "_LONGEST_WAIT_S", 60)
    for number in range(3):
        pump.log("group", "stream", str(number))
    writer = threading.Thread(target=pump.log, args=("group", "stream", "3"))
    writer.start()

    assert cloudwatch.requests == []
    assert writer.is_alive()
    pump.flush(timeout_s=0)  # `flush` sends immediately.
    writer.join(60)
    assert not writer.is_alive()
    assert pump.flush(timeout_s=60) == 0
    assert cloudwatch.requests == [["0", "1", "2"], ["3"]]


def test_writer_waits_a_limited_time_for_a_full_queue(pump, monkeypatch):
    monkeypatch.setattr(telemetry, "_MAX_QUEUED", 1)
    monkeypatch.setattr(telemetry, "_LONGEST_WAIT_S", 0)

    for number in range(3):
        pump.log("group", "stream", str(number))

    assert pump.flush(timeout_s=60) == 0


def test_flush_returns_the_number_of_waiting_items_after_its_timeout(pump, cloudwatch):
    stored = threading.Event()
    cloudwatch.create_log_group = lambda **_: stored.wait(60)
    pump.log("group", "stream", "line")
    pump.metric("Shop", "Orders", 1)

    assert pump.flush(timeout_s=0.01) == 2

    stored.set()
    assert pump.flush(timeout_s=60) == 0

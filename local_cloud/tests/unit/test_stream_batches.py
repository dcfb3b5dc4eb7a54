import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import poller_services
from local_cloud.execution.function import FunctionNotFoundError, InvocationResult, ThrottledError
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.poller import NotInvokedError, Poller
from local_cloud.sources.stream_batches import StreamBatches, StreamRecord

NOW = 1_000_000.0
SETTINGS: dict[str, Any] = {
    "uuid": "u",
    "source_arn": "arn:aws:kinesis:r:1:stream/s",
    "function_arn": "arn:aws:lambda:r:1:function:f",
}


def records(*names, age_s=0.0):
    return [StreamRecord(name, NOW - age_s, 1, {"id": name}) for name in names]


def answer(payload=None, *, error=None):
    return InvocationResult("r", json.dumps(payload).encode(), error, "1", 1.0)


FAILED = answer({"errorMessage": "no"}, error="Unhandled")


class Shard:
    def __init__(self, function, **options):
        self.invocations: list[list[str]] = []
        self.discarded: list[tuple[list[str], str, int]] = []
        self._function = function
        mapping = EventSourceMapping(**(SETTINGS | {"batch_size": 100} | options))
        self.batches = StreamBatches(
            mapping, invoke=self._invoke, discard=self._discard, pause=lambda _: False, now=lambda: NOW
        )

    def process(self, batch):
        self.batches.process(batch)

    def _invoke(self, batch):
        names = [record.sequence_number for record in batch]
        self.invocations.append(names)
        return self._function(names)

    def _discard(self, discarded):
        names = [record.sequence_number for record in discarded.records]
        self.discarded.append((names, discarded.condition, discarded.invocations))


def poisoned_by(poison):
    return lambda names: FAILED if poison in names else answer()


def reporting(poison):
    return lambda names: answer({"batchItemFailures": [{"itemIdentifier": n} for n in reversed(names) if n in poison]})


@pytest.mark.parametrize(
    ("function", "options", "invocations", "discarded"),
    [
        (poisoned_by("b"), {"max_retries": 2}, "abcd abcd abcd", "abcd"),
        (poisoned_by("c"), {"max_retries": 1, "bisect": True}, "abcd ab cd c c d", "c"),
        (reporting("c"), {"max_retries": 1, "partial_responses": True}, "abcd cd", "cd"),
        (reporting("c"), {"max_retries": 1, "partial_responses": True, "bisect": True}, "abcd cd c c d", "c"),
        (reporting("bd"), {"max_retries": 1, "partial_responses": True}, "abcd bcd", "bcd"),
        (reporting("dc"), {"max_retries": 1, "partial_responses": True, "bisect": True}, "abcd cd c c d d", "c d"),
        (reporting("a"), {"partial_responses": False}, "abcd", ""),
    ],
)
def test_failed_batch_is_retried_and_discarded_by_its_settings(function, options, invocations, discarded):
    shard = Shard(function, **options)

    shard.process(records(*"abcd"))

    assert ["".join(batch) for batch in shard.invocations] == invocations.split()
    attempts = 1 + options.get("max_retries", 0)
    assert shard.discarded == [(list(names), "RetryAttemptsExhausted", attempts) for names in discarded.split()]


def test_batch_without_a_limit_is_retried_through_a_long_outage():
    attempts = iter(range(1_100))
    shard = Shard(lambda _: answer() if next(attempts) == 1_099 else FAILED)

    shard.process(records("a"))

    assert shard.invocations == [["a"]] * 1_100


def test_too_old_record_is_discarded_without_an_invocation():
    shard = Shard(lambda _: answer(), max_age_s=60)

    shard.process([*records("old", age_s=61), *records("new", age_s=59)])

    assert shard.invocations == [["new"]]
    assert shard.discarded == [(["old"], "RecordAgeExceeded", 0)]


@pytest.mark.parametrize(
    "error", [ThrottledError("f", reserved=1), NotInvokedError()], ids=["throttled", "unreachable"]
)
def test_refused_invocation_uses_no_retry_and_loses_no_record(error):
    failures = iter([True, True, False])

    def function(names):
        if next(failures):
            raise error
        return answer()

    shard = Shard(function, max_retries=0)

    shard.process(records("a"))

    assert len(shard.invocations) == 3
    assert shard.discarded == []


def test_stop_of_the_cloud_ends_unlimited_retries():
    shard = Shard(poisoned_by("a"))
    pauses: list[float] = []

    def pause(seconds):
        pauses.append(seconds)
        return len(pauses) == 8

    shard.batches._pause = pause

    shard.process(records("a"))

    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0])


@given(
    size=st.integers(1, 40),
    poison=st.sets(st.integers(0, 39)),
    partial=st.booleans(),
    bisect=st.booleans(),
    retries=st.integers(0, 2),
)
def test_every_record_is_processed_or_discarded_in_order(size, poison, partial, bisect, retries):
    names = [f"{number:02}" for number in range(size)]
    bad = {f"{number:02}" for number in poison}
    done: list[str] = []

    def function(batch):
        first = next((position for position, name in enumerate(batch) if name in bad), len(batch))
        if first == len(batch):
            done.extend(batch)
            return answer()
        if not partial:
            return FAILED
        done.extend(batch[:first])
        return answer({"batchItemFailures": [{"itemIdentifier": batch[first]}]})

    shard = Shard(function, partial_responses=partial, bisect=bisect, max_retries=retries)

    shard.process(records(*names))

    discarded = [name for given_up, _, _ in shard.discarded for name in given_up]
    assert sorted(done + discarded) == names
    assert done == sorted(done)
    if bisect:
        assert set(discarded) == bad & set(names)


class Idle(Poller):
    def _run(self): ...


def test_batch_for_an_absent_function_is_counted_and_reported():
    def absent(function_arn, payload):
        raise FunctionNotFoundError(function_arn)

    reports = list[str]()
    mapping = EventSourceMapping(**SETTINGS, batch_size=100)
    poller = Idle(mapping, poller_services(invoke=absent, report=reports.append))

    with pytest.raises(NotInvokedError):
        poller.invoke_batch({"Records": []}, records=2)

    assert poller.counts == {"batches": 1, "records": 2}
    assert reports == [f"event source mapping {mapping.name}: Function not found: {mapping.function_arn}"]

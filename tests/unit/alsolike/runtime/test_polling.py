import math
import threading
import time
from concurrent import futures
from unittest.mock import Mock

import pytest

from alsolike.runtime.errors import NotFound, Unavailable
from alsolike.runtime.polling import STARVED_S, CircuitBreaker, PolledValue, Polling, WaitBudget

BUDGET_MS = 50
TIMEOUT = Unavailable("s3://b/k: timeout", is_timeout=True)
REFUSAL = Unavailable("s3://b/k: denied", code="AccessDenied")


class Stored:
    def __init__(self, value="a"):
        self.value = value
        self.error: Exception | None = None
        self.read_at: list[int] = []
        self.now_ms = 0

    def read(self, remaining_ms):
        self.read_at.append(self.now_ms)
        if self.error is not None:
            raise self.error
        return self.value


@pytest.fixture
def stored():
    return Stored()


def polled(stored, polling, **options):
    value = PolledValue(stored.read, name="menu", polling=polling, **options)

    def at(now_s):
        stored.now_ms = now_s * 1000
        current = value.current(now_ms=stored.now_ms)
        return current, value.degraded

    return at


def test_value_is_read_at_first_use_and_after_the_interval(stored):
    at = polled(stored, Polling(30))

    assert at(10) == ("a", None)
    stored.value = "b"
    assert at(39) == ("a", None)
    assert at(40) == ("b", None)
    assert stored.read_at == [10_000, 40_000]


@pytest.mark.parametrize("error", [TIMEOUT, REFUSAL, NotFound("deleted"), KeyError("bug")])
def test_value_is_stale_after_a_failed_read_until_a_later_one_succeeds(stored, error):
    at = polled(stored, Polling(30, retry_s=1))
    at(0)
    stored.value, stored.error = "b", error

    assert at(30) == ("a", "stale-menu")
    assert at(59) == ("a", "stale-menu")
    stored.error = None
    assert at(60) == ("b", None)
    assert stored.read_at == [0, 30_000, 60_000]


def test_default_is_used_until_a_retry_reads_the_first_value(stored):
    at = polled(stored, Polling(30, retry_s=5), default="default")
    stored.error = REFUSAL

    assert at(0) == ("default", "no-menu")
    assert at(4) == ("default", "no-menu")
    stored.error = None
    assert at(5) == ("a", None)
    assert at(34) == ("a", None)
    assert stored.read_at == [0, 5_000]


def test_retry_delay_doubles_up_to_its_limit(stored):
    at = polled(stored, Polling(math.inf, retry_s=30, max_retry_s=100), default="default")
    stored.error = REFUSAL

    for now_s in range(0, 400, 10):
        at(now_s)

    assert stored.read_at == [0, 30_000, 90_000, 190_000, 290_000, 390_000]


def test_value_without_a_default_raises_until_the_first_successful_read(stored):
    at = polled(stored, Polling(30))
    stored.error = REFUSAL

    for now_s in (0, 1):
        with pytest.raises(Unavailable, match="the menu cannot be read: s3://b/k: denied"):
            at(now_s)
    stored.error = KeyError("bug")
    with pytest.raises(KeyError):
        at(2)
    stored.error = None
    assert at(3) == ("a", None)


def test_refresh_reads_immediately_and_restarts_the_interval(stored):
    value = PolledValue(stored.read, name="menu", polling=Polling(30))
    value.current(now_ms=0)
    stored.value = "b"

    assert value.refresh(now_ms=10_000) == "b"
    stored.value = "c"
    assert value.current(now_ms=39_999) == "b"
    assert value.current(now_ms=40_000) == "c"


def test_refresh_with_a_minimum_age_keeps_a_newer_value(stored):
    value = PolledValue(stored.read, name="menu", polling=Polling(30))
    value.current(now_ms=0)
    stored.value = "b"

    assert value.refresh(now_ms=4_999, min_age_s=5) == "a"
    stored.error = REFUSAL
    assert value.refresh(now_ms=5_000, min_age_s=5) == "a"
    stored.error = None
    assert value.refresh(now_ms=9_999, min_age_s=5) == "a"
    assert value.refresh(now_ms=10_000, min_age_s=5) == "b"


def test_partial_value_is_stale(stored):
    value = PolledValue(stored.read, name="menu", polling=Polling(30))
    value.is_partial = True

    assert value.current(now_ms=0) == "a"
    assert value.degraded == "stale-menu"


def test_read_is_postponed_if_the_remaining_time_is_short(stored):
    value = PolledValue(stored.read, name="menu", polling=Polling(30, min_remaining_ms=9_000), default="default")

    assert value.current(now_ms=0, remaining_ms=lambda: 9_000) == "default"
    assert value.current(now_ms=0, remaining_ms=lambda: 9_001) == "a"
    stored.value = "b"
    assert value.current(now_ms=30_000, remaining_ms=lambda: 9_000) == "a"
    assert value.degraded is None
    assert value.current(now_ms=30_000, remaining_ms=lambda: 9_001) == "b"


class TestCircuitBreaker:
    def test_timeout_opens_the_breaker_for_other_readers_and_refusal_does_not(self):
        first, second = Stored(), Stored()
        breaker = CircuitBreaker(open_s=30)
        one, other = (polled(each, Polling(10, breaker=breaker), default="default") for each in (first, second))

        first.error = REFUSAL
        assert (one(0), other(0)) == (("default", "no-menu"), ("a", None))
        first.error, second.value = TIMEOUT, "b"
        assert (one(10), other(10)) == (("default", "no-menu"), ("a", None))
        assert (one(39), other(39)) == (("default", "no-menu"), ("a", None))
        first.error = None
        assert (one(40), other(40)) == (("a", None), ("b", None))
        assert (first.read_at, second.read_at) == ([0, 10_000, 40_000], [0, 40_000])

    def test_probing_reader_ignores_and_closes_the_breaker(self):
        first, second = Stored(), Stored()
        breaker = CircuitBreaker(open_s=30)
        probe = polled(first, Polling(10, breaker=breaker, probes_breaker=True, retry_s=5), default="default")
        other = polled(second, Polling(10, breaker=breaker), default="default")

        first.error = TIMEOUT
        assert (probe(0), other(0)) == (("default", "no-menu"), ("default", "no-menu"))
        first.error = None
        assert (probe(5), other(5)) == (("a", None), ("a", None))


class Slow:
    def __init__(self):
        self.may_end = threading.Event()
        self.reads: list[str] = []
        self.value = "first"

    def __call__(self, remaining_ms):
        self.reads.append(self.value)
        value = self.value
        self.may_end.wait(60)
        return value


def until(condition):
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


class TestWaiting:
    def test_first_read_is_awaited_and_later_reads_run_in_the_background(self, monkeypatch):
        wait = Mock(wraps=futures.wait)
        monkeypatch.setattr(futures, "wait", wait)
        read, budget = Slow(), WaitBudget(BUDGET_MS, clock=lambda: 0.0)
        value = PolledValue(read, name="menu", polling=Polling(0, budget=budget, waits_for_first=True))
        budget.begin_request(limited=True)
        threading.Timer(0.2, read.may_end.set).start()
        assert value.current(now_ms=0) == "first"
        assert budget.is_cold

        read.may_end.clear()
        read.value = "second"
        for now_ms in (1, 2):
            budget.begin_request(limited=True)
            assert value.current(now_ms=now_ms) == "first"
        # The first read is awaited without a limit, a started one for the budget, and one of an earlier request not.
        assert [call.kwargs["timeout"] for call in wait.call_args_list] == [None, BUDGET_MS / 1000, 0]
        read.may_end.set()
        until(lambda: value.current(now_ms=3) == "second")

        assert read.reads[:2] == ["first", "second"]

    def test_reads_of_a_request_share_its_time_budget(self):
        now_s = [0.0]
        budget = WaitBudget(100, clock=lambda: now_s[0])

        budget.begin_request(limited=True)
        now_s[0] = 0.04
        assert budget.left_s == pytest.approx(0.06)
        now_s[0] = 0.2
        assert budget.left_s == 0
        budget.begin_request(limited=False)
        assert budget.left_s is None

    def test_background_read_without_progress_is_finally_awaited(self):
        now_s = [0.0]
        read, budget = Slow(), WaitBudget(BUDGET_MS, clock=lambda: now_s[0])
        value = PolledValue(read, name="menu", polling=Polling(30, budget=budget), default="default")

        budget.begin_request(limited=True)
        assert value.current(now_ms=0) == "default"
        threading.Timer(0.2, read.may_end.set).start()
        now_s[0] = STARVED_S + 1

        assert value.current(now_ms=0) == "first"

    def test_failed_background_read_keeps_the_previous_value(self):
        stored, budget = Stored(), WaitBudget(BUDGET_MS)
        at = polled(stored, Polling(30, budget=budget))
        budget.begin_request(limited=False)
        at(0)
        stored.error = KeyError("bug")

        assert at(30) == ("a", "stale-menu")

    def test_background_read_started_earlier_is_used_once(self):
        read, budget = Slow(), WaitBudget(BUDGET_MS)
        value = PolledValue(read, name="menu", polling=Polling(30, budget=budget), default="default")
        read.may_end.set()

        value.begin(now_ms=0)
        value.begin(now_ms=0)
        budget.begin_request(limited=True)
        until(lambda: value.current(now_ms=1) == "first")

        assert read.reads == ["first"]

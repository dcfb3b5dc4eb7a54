import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.gateway.throttling import Throttle, TokenBucket


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def taken(throttle, route, requests):
    return sum(throttle.admits(route) for _ in range(requests))


def test_burst_is_admitted_and_then_the_rate(clock):
    throttle = Throttle({"ThrottlingRateLimit": 2, "ThrottlingBurstLimit": 5}, {}, clock=clock)

    assert taken(throttle, "GET /a", 10) == 5
    clock.now_s += 1.4  # 1.4 s are 2.8 tokens.
    assert taken(throttle, "GET /a", 10) == 2
    clock.now_s += 0.1  # The remaining 0.8 and the new 0.2 are one token.
    assert taken(throttle, "GET /a", 10) == 1


def test_idle_bucket_admits_at_most_a_burst(clock):
    throttle = Throttle({"ThrottlingRateLimit": 2, "ThrottlingBurstLimit": 5}, {}, clock=clock)

    clock.now_s += 3_600

    assert taken(throttle, "GET /a", 10) == 5


def test_route_has_its_own_bucket_and_limits_before_the_stage_limits(clock):
    throttle = Throttle(
        {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 3},
        {"GET /a": {"ThrottlingBurstLimit": 1}, "GET /b": {"ThrottlingRateLimit": 9, "ThrottlingBurstLimit": 2}},
        clock=clock,
    )

    assert [taken(throttle, route, 10) for route in ("GET /a", "GET /b", "GET /c", "GET /d")] == [1, 2, 3, 3]
    clock.now_s += 1
    # GET /a uses the rate of the stage.
    assert [taken(throttle, route, 10) for route in ("GET /a", "GET /b", "GET /c")] == [1, 2, 1]


def test_default_limits_are_those_of_an_account(clock):
    assert taken(Throttle({}, {}, clock=clock), "GET /a", 6_000) == 5_000


def test_burst_limit_of_zero_admits_no_request(clock):
    assert taken(Throttle({"ThrottlingBurstLimit": 0}, {}, clock=clock), "GET /a", 3) == 0


@given(st.floats(0.01, 100), st.integers(1, 50), st.lists(st.floats(0, 10), max_size=100))
def test_bucket_admits_at_most_a_burst_and_the_rate(rate, burst, pauses):
    clock = Clock()
    bucket = TokenBucket(rate_per_s=rate, burst=burst, clock=clock)

    passed = 0
    for pause_s in pauses:
        clock.now_s += pause_s
        passed += bucket.take()

    assert passed <= burst + rate * sum(pauses) + 1e-6

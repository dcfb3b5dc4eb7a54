"""Correlation ids of requests."""

import pytest

from alsolike.runtime.observability import correlation_id_of, invocation


def event(header=None, request_id="JKJaXmPLvHcESHA="):
    headers = {} if header is None else {"x-correlation-id": header}
    return {"routeKey": "GET /popular", "headers": headers, "requestContext": {"requestId": request_id}}


def correlate(call):
    invocation.begin(call, None)
    return invocation.correlation_id


@pytest.mark.parametrize(
    "header", ["order-17", "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd-b7ad6b71-01", "a" * 64]
)
def test_valid_correlation_id_of_the_caller_is_used(header):
    assert correlate(event(header)) == header


@pytest.mark.parametrize("header", ["", "anna@example.com", "a" * 65, "two words", "tab\t", "line\n", "é", '{"a":1}'])
def test_invalid_correlation_id_is_replaced_by_the_request_id(header):
    assert correlate(event(header)) == "JKJaXmPLvHcESHA="


@pytest.mark.parametrize(
    "call", [{}, {"batch": {}}, [], {"headers": None}, {"routeKey": "GET /popular"}, event(request_id=None)]
)
def test_event_without_a_request_has_no_correlation_id(call):
    correlate(event("order-17"))

    assert correlate(call) is None


@pytest.mark.parametrize("value", ["anna@example.com", None, 7])
def test_invalid_value_is_not_a_correlation_id(value):
    assert correlation_id_of(value) is None


@pytest.mark.parametrize(
    ("headers", "agent"),
    [
        ({}, None),
        ({"x-alsolike-agent": ""}, None),
        ({"x-alsolike-agent": "assistant-1"}, "assistant-1"),
        ({"x-alsolike-agent": "Anna Lee's assistant"}, "unnamed"),
        ({"x-alsolike-agent": "a" * 65}, "unnamed"),
    ],
)
def test_header_declares_the_agent_of_its_request_only(headers, agent):
    invocation.begin({"routeKey": "GET /popular", "headers": {"x-alsolike-agent": "earlier"}}, None)
    invocation.begin({"routeKey": "GET /popular", "headers": headers}, None)

    assert invocation.agent == agent

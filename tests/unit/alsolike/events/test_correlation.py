"""Requests are found again by an id that says nothing of a person."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from alsolike.events.correlation import correlate, correlation_ids
from alsolike.events.stream import StreamRecord
from alsolike.runtime.observability import invocation


def event(header: str | None = None, request_id: Any = "JKJaXmPLvHcESHA=") -> dict[str, Any]:
    headers = {} if header is None else {"x-correlation-id": header}
    return {"headers": headers, "requestContext": {"requestId": request_id}}


@pytest.mark.parametrize(
    "header", ["order-17", "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd-b7ad6b71-01", "a" * 64]
)
def test_a_callers_id_is_taken_where_it_is_well_formed(header: str) -> None:
    assert correlate(event(header)) == header


@pytest.mark.parametrize("header", ["", "anna@example.com", "a" * 65, "two words", "tab\t", "line\n", "é", '{"a":1}'])
def test_any_other_is_passed_over_for_the_apis_own(header: str) -> None:
    assert correlate(event(header)) == "JKJaXmPLvHcESHA="


@pytest.mark.parametrize("call", [{}, {"batch": {}}, {"headers": None}, event(request_id=None)])
def test_what_is_no_request_has_none_and_leaves_none_from_the_last_one(call: dict[str, Any]) -> None:
    correlate(event("order-17"))

    assert correlate(call) is None
    assert invocation.correlation_id is None


def test_ids_of_unreadable_records_are_named_once_and_nothing_else_of_them() -> None:
    data = [orjson.dumps({"correlation_id": each}) for each in ("a", "b", "a", "anna@example.com", None, 7)]
    records = [StreamRecord("s", "0", "1", 0, each) for each in (*data, b"\xff", b"[]")]

    assert correlation_ids(records) == ("a", "b")

"""Business metrics go out as embedded metric format."""

from __future__ import annotations

import json

import pytest

from alsolike.observability import Metric, count, metrics


def test_an_invocation_writes_its_counters_once(capsys: pytest.CaptureFixture[str]) -> None:
    @metrics.log_metrics
    def handler(event: object, context: object) -> None:
        count(Metric.EVENTS_ACCEPTED, 3)
        count(Metric.EVENTS_ACCEPTED)
        count(Metric.ITEMS_ACCEPTED)

    handler({}, None)

    (line,) = capsys.readouterr().out.splitlines()
    written = json.loads(line)
    assert (sum(written["EventsAccepted"]), sum(written["ItemsAccepted"])) == (4, 1)
    assert written["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Alsolike"


def test_a_counter_of_zero_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    @metrics.log_metrics
    def handler(event: object, context: object) -> None:
        count(Metric.EVENTS_ACCEPTED, 3)
        count(Metric.EVENTS_AHEAD, 0)

    handler({}, None)

    (line,) = capsys.readouterr().out.splitlines()
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert [each["Name"] for each in directive["Metrics"]] == ["EventsAccepted"]


def test_an_invocation_that_counts_nothing_writes_and_warns_nothing(
    capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    @metrics.log_metrics
    def handler(event: object, context: object) -> None:
        raise KeyError("run_id")

    with pytest.raises(KeyError):
        handler({}, None)

    assert capsys.readouterr().out == ""
    assert [str(warning.message) for warning in recwarn] == []

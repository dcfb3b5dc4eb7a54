"""Attribution as Lambda calls it."""

import json
import time

import pytest

from alsolike.lake import served
from alsolike.runtime.errors import DaysFailed
from functions.attribute_outcomes import handler
from functions.attribute_outcomes.rules import DAY_MS
from tests.builders.attribution import DATE, NOW_MS, SERVED_MS, answer, event
from tests.builders.lambda_events import LambdaContext


@pytest.fixture
def invoke(lake_bucket, artefact_bucket, pseudonyms, monkeypatch):
    variables = {"LAKE_BUCKET": lake_bucket, "ARTEFACT_BUCKET": artefact_bucket, "SECRET_ARN": "the-key"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def call(*, now_ms=NOW_MS, remaining_ms=900_000):
        monkeypatch.setattr(time, "time_ns", lambda: now_ms * 1_000_000)
        return handler.lambda_handler({}, LambdaContext(remaining_ms=remaining_ms))

    return call


def sent(lines):
    """Return the metrics by the values of their dimensions."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for line in lines.splitlines():
        document = json.loads(line)
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            (names,) = directive["Dimensions"]
            key = tuple(document[name] for name in names if name != "service")
            values = {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}
            found.setdefault(key, {}).update({name: sum(value) for name, value in values.items()})
    return found


def test_call_attributes_days_and_reports_the_last_complete_day_once(shop, invoke, capsys):
    given = answer(["pear", "plum"], arms=["spring/new"])
    shop.write_served([given, answer(["fig"], served_ms=SERVED_MS + DAY_MS)])
    shop.write_events([event(given, "pear", impression=["pear", "plum"]), event("forged", "pear")])
    capsys.readouterr()

    first = invoke()
    metrics = sent(capsys.readouterr().out)
    shop.write_events([event(given, "plum", after_ms=70_000)], name="late")
    second = invoke()
    messages_again = sent(capsys.readouterr().out)

    assert first == {"days": 2, "events": 1, "rejected": 1, "complete": True, "window_cut_days": 0, "failed": {}}
    assert second["events"] == 2
    assert shop.outcomes()[given["recommendation_id"]]["clicks"] == 2
    rates = {"ClickThrough": 0.5, "Conversion": 0.0, "RevenuePerThousand": 0.0, "NewItemShare": 0.0, "Novelty": 0.5,
             "DegradedShare": 0.0}  # fmt: skip
    assert metrics.pop(()) == {"DaysAttributed": 2}
    assert metrics.pop(("forged",)) == {"EventsNotAttributed": 1}
    groups = [("all", "all"), ("recommender", "for-you"), ("model_version", "m1"), ("arm", "spring/new")]
    assert set(metrics) == set(groups)
    assert {**metrics["arm", "spring/new"], "Novelty": 0.5} == rates
    assert messages_again == {(): {"DaysAttributed": 2}}


def test_call_without_time_leaves_remaining_days_to_the_next_call(shop, invoke):
    shop.write_served([answer(["pear"])])

    first = invoke(remaining_ms=300_000)

    assert (first["days"], first["complete"], first["failed"]) == (0, False, {})
    assert invoke()["days"] == 1
    assert list(shop.outcomes(DATE))


def test_call_with_failing_day_computes_other_days_and_fails(shop, invoke, capsys):
    shop.write_served([answer(["fig"], served_ms=SERVED_MS + DAY_MS)])
    shop.s3.put_object(Bucket=shop.bucket, Key=f"{served.partition_prefix(DATE)}broken.parquet", Body=b"PAR1")

    with pytest.raises(DaysFailed, match=DATE):
        invoke()

    assert sent(capsys.readouterr().out)[()] == {"DaysAttributed": 1}
    assert len(shop.outcomes("2026-09-22")) == 1

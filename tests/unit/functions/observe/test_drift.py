"""Drift reports with the history of each drift metric."""

from jsonschema import Draft202012Validator

from alsolike.api.observe_responses import ANSWERS
from alsolike.declarations.storage import MONITORING_LATEST_KEY
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.observe.asking import HOUR_MS, OWN_NAMESPACE, REPORT


def test_latest_drift_report_has_the_history_of_each_figure(observe, put, aws, artefact_bucket):
    aws("s3").put_object(Bucket=artefact_bucket, Key=MONITORING_LATEST_KEY, Body=REPORT.to_json())
    hour_ms = NOW_MS // HOUR_MS * HOUR_MS
    for days, value in ((0, 0.3), (1, 0.2), (13, 0.1), (15, 9.0)):
        dimensions = {"service": "monitor_models", "figure": "item_popularity"}
        put(OWN_NAMESPACE, "DriftPsi", value, at_ms=hour_ms - days * 24 * HOUR_MS, **dimensions)

    document = observe("drift")

    Draft202012Validator(ANSWERS["DriftReport"]).validate(document)
    assert document["looked"] == {
        "lookedMs": NOW_MS - HOUR_MS, "champion": "v7", "championAgeHours": 30.5, "lakeSilentHours": 0.25,
        "interactions": 900, "users": 70, "unknownItemShare": 0.1, "unknownUserShare": None, "hours": 6,
        "figures": [
            {
                "name": "item_popularity", "value": 0.3, "byChance": 0.01, "threshold": 0.26, "reason": None,
                "aboveSinceMs": NOW_MS - 3 * HOUR_MS,
                "history": [[hour_ms - 13 * 24 * HOUR_MS, 0.1], [hour_ms - 24 * HOUR_MS, 0.2], [hour_ms, 0.3]],
            },
            {
                "name": "top_score", "value": None, "byChance": None, "threshold": None, "reason": "too few answers",
                "aboveSinceMs": None, "history": [],
            },
        ],
        "checks": [
            {"name": "no user", "share": 0.02, "bound": 0.01, "rows": 900, "failed": True},
            {"name": "no value", "share": None, "bound": 0.5, "rows": 0, "failed": False},
        ],
    }  # fmt: skip


def test_drift_without_a_report_is_null(observe):
    assert observe("drift") == {"looked": None}


def test_unreadable_drift_report_error_names_the_object(observe, aws, artefact_bucket):
    aws("s3").put_object(Bucket=artefact_bucket, Key=MONITORING_LATEST_KEY, Body=b"{}")

    assert observe("drift", status=503)["message"].startswith(f"s3://{artefact_bucket}/{MONITORING_LATEST_KEY}: ")

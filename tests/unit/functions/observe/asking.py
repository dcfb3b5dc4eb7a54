"""Requests of an operator, and the clock of `observe`."""

from alsolike.training.monitoring import DataCheck, Drift, DriftReport, DriftThresholds, Figure
from tests.builders.lambda_events import NOW_MS

HOUR_MS = 3_600_000
REPORT = DriftReport(
    looked_ms=NOW_MS - HOUR_MS,
    window_from_ms=NOW_MS - 169 * HOUR_MS,
    rules=DriftThresholds(psi=0.25, hours=6, retrains=True, new_interactions=None, silent_hours=24, stale_days=14),
    champion="v7",
    champion_age_h=30.5,
    lake_silent_h=0.25,
    sampled=1,
    interactions=900,
    users=70,
    figures=(
        Figure(Drift.ITEM_POPULARITY, 0.3, 0.01, 1_000, 900, 0.26, above_since_ms=NOW_MS - 3 * HOUR_MS),
        Figure(Drift.TOP_SCORE, reason="too few answers"),
    ),
    checks=(DataCheck("no user", 0.02, 0.01, 900), DataCheck("no value", None, 0.5, 0)),
    unknown_item_share=0.1,
    unknown_user_share=None,
    new_interactions=None,
    started=None,
    last_start=None,
)

OWN_NAMESPACE = "Alsolike/test"
TEMPLATES = {
    "alsolike-test-data": {
        "Resources": {
            "Name": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/alsolike/test/api-url"}},
            "Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"Replicas": [{"Region": "us-east-1"}]}},
            "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}},
        }
    },
    "alsolike-test-serving": {"Resources": {"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}}}},
}


class Clock:
    now_ms = NOW_MS

    def wait(self, seconds: float) -> None:
        self.now_ms += round(1000 * seconds)

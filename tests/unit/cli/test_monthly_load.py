"""Number of users in the load of a month, from the drift report."""

import datetime as dt

from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.training.monitoring import DriftReport, DriftThresholds
from operations.cost import Load
from operations.monthly_load import monthly_load

NOW = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)


def test_users_of_a_sampled_report_are_extrapolated(shop):
    report = DriftReport(
        looked_ms=0,
        window_from_ms=0,
        rules=DriftThresholds(psi=0.25, hours=24, retrains=True, new_interactions=None, silent_hours=24, stale_days=30),
        champion="v1",
        champion_age_h=1.0,
        lake_silent_h=1.0,
        sampled=4,
        interactions=1_200,
        users=300,
        figures=(),
        checks=(),
        unknown_item_share=None,
        unknown_user_share=None,
        new_interactions=None,
        started=None,
        last_start=None,
    )
    shop.client("s3").put_object(Bucket=shop.names.artefact_bucket, Key=MONITORING_LATEST_KEY, Body=report.to_json())
    datum = {
        "MetricName": "EventsAccepted",
        "Dimensions": [{"Name": "service", "Value": "collect"}],
        "Timestamp": NOW - dt.timedelta(hours=1),
        "Value": 15,
    }
    shop.client("cloudwatch").put_metric_data(Namespace="Alsolike/shop", MetricData=[datum])

    load = monthly_load(shop, "2026-11", other=Load(users=7, events_per_day=1, requests_per_day=1, items=8), now=NOW)

    assert (load.users, load.events_per_day) == (4 * 300, 1)

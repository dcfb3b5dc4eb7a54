"""Attribution: its tables, schedule, alarm and expiring versions."""

import pytest

from alsolike.declarations.tables import ENGAGEMENT_TABLE, OUTCOMES_TABLE
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from alsolike.records.outcome import OUTCOMES_COLUMNS
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import flat, in_stack, lake_rules


@pytest.mark.parametrize(
    ("name", "columns"), [(OUTCOMES_TABLE, OUTCOMES_COLUMNS), (ENGAGEMENT_TABLE, ENGAGEMENT_COLUMNS)]
)
def test_tables_have_the_columns_of_the_written_rows(demo, name, columns):
    described = demo.glue_table(name)

    assert {column["Name"]: column["Type"] for column in described["StorageDescriptor"]["Columns"]} == columns
    assert described["PartitionKeys"] == [{"Name": "served_date", "Type": "string"}]
    assert flat(described["StorageDescriptor"]["Location"]).endswith(f"/{name}/")


def test_attribution_runs_hourly_through_its_alias(demo):
    (rule,) = in_stack(demo, "attribution", "AWS::Events::Rule")

    assert (rule.properties["ScheduleExpression"], rule.properties["State"]) == ("rate(1 hour)", "ENABLED")
    (target,) = rule.properties["Targets"]
    (alias,) = in_stack(demo, "attribution", "AWS::Lambda::Alias")
    assert flat(target["Arn"]) == alias.logical_id


def test_failing_attribution_has_an_alarm(demo):
    (alarm,) = in_stack(demo, "attribution", "AWS::CloudWatch::Alarm")

    assert (alarm.properties["MetricName"], alarm.properties["Threshold"]) == ("Errors", 0)
    assert "docs/runbooks/attribution.md" in alarm.properties["AlarmDescription"]


def test_old_versions_of_computed_objects_expire_after_one_day(demo):
    days = {
        rule["Prefix"]: rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in lake_rules(demo)
        if "Prefix" in rule and "NoncurrentVersionExpiration" in rule
    }

    assert days == {"outcomes/": 1, "engagement/": 1, "attribution/": 1}


def test_settings_change_the_window_and_disable_the_schedule(other, spare):
    variables = other.function("attribute_outcomes").properties["Environment"]["Variables"]

    assert variables["WINDOW_DAYS"] == "30"
    assert in_stack(spare, "attribution", "AWS::Events::Rule") == []


@pytest.mark.parametrize(
    ("field", "value", "expectation"),
    [
        ("attribution_window_days", 0, "1 to 60"),
    ],
)
def test_invalid_setting_is_refused(field, value, expectation):
    with pytest.raises(InvalidSettings) as refusal:
        Settings(name="x", region="eu-west-1", **{field: value})

    assert str(refusal.value) == f"{field} is {value!r}, expected {expectation}"

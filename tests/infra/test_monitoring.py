"""Monitoring: its schedule, input and notifications."""

import pytest

from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import flat, in_stack


def schedules(assembly):
    rules = in_stack(assembly, "training", "AWS::Events::Rule")
    return [rule for rule in rules if "MonitorModels" in str(rule.properties["Targets"])]


def test_monitoring_runs_hourly_through_its_alias(demo):
    (rule,) = schedules(demo)

    assert (rule.properties["ScheduleExpression"], rule.properties["State"]) == ("rate(1 hour)", "ENABLED")
    (target,) = rule.properties["Targets"]
    aliases = in_stack(demo, "training", "AWS::Lambda::Alias")
    assert flat(target["Arn"]) in [alias.logical_id for alias in aliases]


def test_drift_age_silence_quality_and_errors_have_alarms(demo):
    alarms = {
        alarm.properties["MetricName"]: alarm.properties
        for alarm in in_stack(demo, "training", "AWS::CloudWatch::Alarm")
        if "docs/runbooks/drift.md" in alarm.properties["AlarmDescription"]
    }

    assert {name: alarm["Threshold"] for name, alarm in alarms.items()} == {
        "FiguresDrifted": 0,
        "ChampionAgeHours": 30 * 24,
        "LakeSilentHours": 24,
        "ChecksFailed": 0,
        "Errors": 0,
    }
    assert {str(alarm["AlarmActions"]) for alarm in alarms.values()} == {str(alarms["Errors"]["AlarmActions"])}
    assert alarms["FiguresDrifted"]["Dimensions"] == [{"Name": "service", "Value": "monitor_models"}]


def test_alarm_periods_cover_the_interval_of_their_schedule(demo, other):
    def hours(assembly, page):
        return [
            (alarm.properties["Period"] / 3_600, alarm.properties["EvaluationPeriods"])
            for alarm in assembly.of_type("AWS::CloudWatch::Alarm")
            if f"docs/runbooks/{page}.md" in alarm.properties["AlarmDescription"]
        ]

    assert (hours(demo, "drift"), hours(other, "drift")) == ([(1, 1)] * 5, [(6, 1)] * 5)
    assert (hours(demo, "attribution"), hours(other, "attribution")) == ([(1, 1)], [(12, 1)])
    assert (hours(demo, "upkeep"), hours(other, "upkeep")) == ([(24, 1)], [(72, 1)])


def test_setting_disables_the_schedule(spare):
    assert schedules(spare) == []


def test_settings_define_drift(other):
    variables = other.function("monitor_models").properties["Environment"]["Variables"]
    assert {
        name: variables[name] for name in variables if name.startswith(("DRIFT", "RETRAIN", "SILENT", "STALE"))
    } == {
        "DRIFT_PSI_PERCENT": "10",
        "DRIFT_HOURS": "48",
        "DRIFT_RETRAINS": "0",
        "RETRAIN_INTERACTIONS": "5000",
        "SILENT_HOURS": "72",
        "STALE_DAYS": "14",
    }


@pytest.mark.parametrize(
    ("field", "value", "expectation"),
    [
        ("drift_psi_percent", 0, "1 to 1000"),
        ("drift_hours", 0, "1 to 8760"),
        ("retrain_interactions", 0, "1 to 1000000000000"),
        ("lake_silent_hours", 0, "1 to 8760"),
        ("champion_stale_days", 0, "1 to 36500"),
    ],
)
def test_invalid_setting_is_refused(field, value, expectation):
    with pytest.raises(InvalidSettings) as refusal:
        Settings(name="x", region="eu-west-1", **{field: value})

    assert str(refusal.value) == f"{field} is {value!r}, expected {expectation}"

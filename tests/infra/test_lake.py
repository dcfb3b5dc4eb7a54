"""The lake: compaction, view, storage classes, and alarms on quarantined records."""

import base64
import json
from pathlib import Path

import pytest

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.records.interaction import INTERACTIONS_COLUMNS, INTERACTIONS_ONCE_SQL
from functions.compact_lake.selection import MergeRules
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings
from tests.infra.assembly import flat, in_stack, lake_rules

ROOT = Path(__file__).parents[2]


def view(assembly):
    text = assembly.glue_table("interactions_once")["ViewOriginalText"]
    assert text.startswith("/* Presto View: ")
    assert text.endswith(" */")
    encoded = text.removeprefix("/* Presto View: ").removesuffix(" */")
    return json.loads(base64.b64decode(encoded, validate=True))


def test_view_has_the_deduplication_rule_of_all_readers(assembly):
    environment = assembly.resources[0].stack.split("-")[1]

    definition = view(assembly)

    assert definition["originalSql"] == INTERACTIONS_ONCE_SQL
    assert (definition["catalog"], definition["schema"]) == ("awsdatacatalog", f"alsolike_{environment}")


def test_athena_view_has_the_columns_of_the_table(demo):
    table = demo.glue_table("interactions_once")

    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    assert table["ViewExpandedText"] == "/* Presto View */"
    hive = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert hive == {**INTERACTIONS_COLUMNS, "event_date": "string"}
    presto = {column["name"]: column["type"] for column in view(demo)["columns"]}
    assert list(presto) == list(hive)
    assert (presto["event_id"], presto["event_value"], presto["event_time_ms"]) == ("varchar", "double", "bigint")
    assert (presto["schema_version"], presto["impression"]) == ("integer", "array(varchar)")


def test_compaction_runs_daily_through_its_alias(demo):
    (rule,) = in_stack(demo, "lake", "AWS::Events::Rule")

    assert (rule.properties["ScheduleExpression"], rule.properties["State"]) == ("rate(1 day)", "ENABLED")
    (target,) = rule.properties["Targets"]
    aliases = [alias.logical_id for alias in in_stack(demo, "lake", "AWS::Lambda::Alias")]
    (compaction,) = [name for name in aliases if name.startswith("CompactLake")]
    assert flat(target["Arn"]) == compaction


def test_compaction_timeout_is_below_its_grace_periods(demo):
    rules, timeout_s = MergeRules(), demo.function("compact_lake").properties["Timeout"]

    assert timeout_s * 1_000 < min(rules.quiet_ms, rules.grace_ms)


def test_lake_moves_to_intelligent_tiering(demo):
    (rule,) = [rule for rule in lake_rules(demo) if "Transitions" in rule]

    assert rule["Prefix"] == INTERACTIONS_PREFIX
    assert rule["Transitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]


@pytest.mark.parametrize(
    ("metric", "threshold", "page"),
    [
        ("GetRecords.IteratorAgeMilliseconds", 3_600_000, "docs/runbooks/quarantine.md"),
        (None, 1, "docs/runbooks/quarantine.md"),
        ("Errors", 0, "docs/runbooks/upkeep.md"),
    ],
)
def test_alarms_notify_operators_and_name_a_runbook(demo, metric, threshold, page):
    (alarm,) = [
        alarm.properties
        for alarm in in_stack(demo, "lake", "AWS::CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == metric and page in alarm.properties["AlarmDescription"]
    ]

    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", threshold)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert page in alarm["AlarmDescription"]
    assert (ROOT / page).is_file()
    assert ["Alerts" in flat(arn) for arn in (*alarm["AlarmActions"], *alarm["OKActions"])] == [True, True]


def quarantine_alarms(assembly):
    alarms = in_stack(assembly, "lake", "AWS::CloudWatch::Alarm")
    return [alarm.properties for alarm in alarms if alarm.logical_id.startswith("Quarantine")]


def test_quarantine_alarm_uses_the_share_of_archived_records(demo):
    (alarm,) = quarantine_alarms(demo)

    share, *counts = alarm["Metrics"]
    assert share["Expression"] == "IF(bad >= 5, 100 * bad / (bad + FILL(good, 0)), 0)"
    assert {count["Id"]: count["MetricStat"]["Metric"]["MetricName"] for count in counts} == {
        "bad": "RecordsQuarantined",
        "good": "InteractionsArchived",
    }
    for count in counts:
        assert count["MetricStat"]["Stat"] == "Sum"
        assert count["MetricStat"]["Metric"]["Namespace"] == "Alsolike/demo"
        assert count["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "service", "Value": "archive_events"}]


def test_alarm_topic_accepts_only_alarms_of_the_account(demo):
    policy = demo.only("AWS::SNS::TopicPolicy")

    allowed = [s for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]

    assert policy.stack == "alsolike-demo-data"
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
    assert allowed[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_settings_disable_compaction_and_cold_storage(spare):
    assert in_stack(spare, "lake", "AWS::Events::Rule") == []
    assert not [rule for rule in lake_rules(spare) if "Transitions" in rule]
    (upkeep,) = [a for a in spare.of_type("AWS::CloudWatch::Alarm") if "upkeep.md" in a.properties["AlarmDescription"]]
    assert upkeep.properties["Period"] == 3_600


def test_settings_change_the_first_date_and_the_rejected_share(other):
    assert other.glue_table("interactions")["Parameters"]["projection.event_date.range"] == "2020-02-29,NOW+7DAYS"
    assert [alarm["Threshold"] for alarm in quarantine_alarms(other)] == [20]


@pytest.mark.parametrize(
    ("field", "value", "expectation"),
    [
        ("lake_first_date", "2020-2-1", "a day such as 2020-01-31"),
        ("lake_first_date", "2020-02-30", "a day such as 2020-01-31"),
        ("lake_cold_days", 0, "1 to 36500"),
        ("quarantine_alarm_percent", 100, "0 to 99"),
    ],
)
def test_invalid_setting_is_refused(field, value, expectation):
    with pytest.raises(InvalidSettings) as refusal:
        Settings(name="x", region="eu-west-1", **{field: value})

    assert str(refusal.value) == f"{field} is {value!r}, expected {expectation}"

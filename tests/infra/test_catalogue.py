"""Path of catalogue changes from the tables to the snapshot and the change log."""

import json

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.declarations.storage import CHAMPION_KEY, CONFIGURATION_KEY
from alsolike.declarations.tables import CHANGES_PARTITION
from tests.infra.assembly import flat


def mappings(assembly):
    (alias,) = [r.logical_id for r in assembly.of_type("AWS::Lambda::Alias") if r.stack.endswith("-catalogue")]
    return [
        mapping.properties
        for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping")
        if alias in json.dumps(mapping.properties["FunctionName"])
    ]


def test_only_item_and_user_tables_have_streams(assembly):
    streams = {
        table.properties["KeySchema"][0]["AttributeName"]: table.properties.get("StreamSpecification")
        for table in assembly.of_type("AWS::DynamoDB::GlobalTable")
    }

    new_images = {"StreamViewType": "NEW_IMAGE"}
    assert (streams["item_id"], streams["user_id"], streams["profile_id"]) == (new_images, new_images, None)


def test_both_table_streams_are_read_from_the_start_until_expiry(assembly):
    found = mappings(assembly)

    assert len({flat(mapping["EventSourceArn"]) for mapping in found}) == 2
    for mapping in found:
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["MaximumRetryAttempts"] == -1
        assert mapping["MaximumRecordAgeInSeconds"] == 23 * 3600
        assert "Lake" in json.dumps(mapping["DestinationConfig"]["OnFailure"])


def test_item_change_is_published_within_a_minute(demo, prod):
    def delay_s(assembly):
        check_s: str = assembly.function("recommend").properties["Environment"]["Variables"]["SNAPSHOT_CHECK_S"]
        windows_s: list[int] = [mapping["MaximumBatchingWindowInSeconds"] for mapping in mappings(assembly)]
        return max(windows_s) + int(check_s)

    assert (delay_s(demo), delay_s(prod)) == (2, 50)


def test_new_configuration_or_champion_triggers_the_snapshot(assembly):
    (rule,) = [
        r
        for r in assembly.of_type("AWS::Events::Rule")
        if "EventPattern" in r.properties and r.stack.endswith("-catalogue")
    ]
    artefacts = [
        bucket for bucket in assembly.of_type("AWS::S3::Bucket") if "NotificationConfiguration" in bucket.properties
    ]

    pattern = rule.properties["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert pattern["detail"]["object"]["key"] == [CONFIGURATION_KEY, CHAMPION_KEY]
    assert [bucket.properties["NotificationConfiguration"] for bucket in artefacts] == [
        {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    ]
    assert artefacts[0].logical_id in json.dumps(pattern["detail"]["bucket"]["name"])


@pytest.mark.parametrize(
    ("metric", "threshold"),
    [("IteratorAge", 600_000), ("SnapshotMergesFailed", 0), ("SnapshotsTooLarge", 0), ("ColdItemsFailed", 0)],
)
def test_alarm_is_raised_if_changes_are_not_published(assembly, metric, threshold):
    (alarm,) = [
        a.properties for a in assembly.of_type("AWS::CloudWatch::Alarm") if a.properties.get("MetricName") == metric
    ]

    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (threshold, "notBreaching")
    assert "docs/runbooks/catalogue.md" in alarm["AlarmDescription"]
    assert ["Alerts" in flat(arn) for arn in (*alarm["AlarmActions"], *alarm["OKActions"])] == [True, True]
    assert alarm["Namespace"] == ("AWS/Lambda" if metric == "IteratorAge" else f"Alsolike/{assembly.environment}")


@pytest.mark.parametrize("metric", ["SnapshotMergesFailed", "SnapshotsTooLarge", "ColdItemsFailed"])
def test_single_failure_alarms_for_one_hour(assembly, metric):
    (alarm,) = [
        a.properties for a in assembly.of_type("AWS::CloudWatch::Alarm") if a.properties.get("MetricName") == metric
    ]

    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (1, 12)
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3_600


def test_lag_alarms_after_two_periods(assembly):
    (alarm,) = [
        a.properties
        for a in assembly.of_type("AWS::CloudWatch::Alarm")
        if a.properties.get("MetricName") == "IteratorAge" and "catalogue.md" in a.properties["AlarmDescription"]
    ]

    assert (alarm["EvaluationPeriods"], "DatapointsToAlarm" in alarm) == (2, False)


@pytest.mark.parametrize("kind", ChangeKind)
def test_change_log_table_matches_the_written_objects(demo, kind):
    table = demo.glue_table(f"{kind.prefix.removesuffix('/')}_changes")

    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    template = flat(table["Parameters"]["storage.location.template"])

    assert columns == {
        kind.id_column: "string", "updated_at_ms": "bigint", "deleted": "boolean", "properties": "string",
    }  # fmt: skip
    assert table["PartitionKeys"] == [{"Name": CHANGES_PARTITION, "Type": "string"}]
    day = template.replace("${change_date}", "2026-11-25")
    assert day.endswith(f"/{change_log.partition_prefix(kind, '2026-11-25')}")

"""The lake: compaction, view, and the change log."""

import base64
import json

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.declarations.storage import ENGAGEMENT_PREFIX, OUTCOMES_PREFIX, SERVED_PREFIX
from alsolike.declarations.tables import (
    CHANGES_PARTITION,
    ENGAGEMENT_TABLE,
    INTERACTIONS_PARTITION,
    OUTCOMES_TABLE,
    SERVED_PARTITION,
)
from alsolike.lake import partitions, served
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from alsolike.records.interaction import INTERACTIONS_COLUMNS, INTERACTIONS_ONCE_SQL
from alsolike.records.outcome import OUTCOMES_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS, SERVED_ONCE_SQL
from functions.compact_lake.selection import MergeRules
from local_cloud.telemetry.filter_patterns import read_pattern
from tests.builders.served_rows import served as served_row
from tests.infra.assembly import flat, lake_rules


def view(assembly, name):
    text = assembly.glue_table(name)["ViewOriginalText"]
    assert text.startswith("/* Presto View: ")
    assert text.endswith(" */")
    encoded = text.removeprefix("/* Presto View: ").removesuffix(" */")
    return json.loads(base64.b64decode(encoded, validate=True))


@pytest.mark.parametrize(
    ("name", "sql", "columns"),
    [
        ("interactions_once", INTERACTIONS_ONCE_SQL, [*INTERACTIONS_COLUMNS, INTERACTIONS_PARTITION]),
        ("served_once", SERVED_ONCE_SQL, [*SERVED_COLUMNS, SERVED_PARTITION]),
    ],
)
def test_view_has_the_deduplication_rule_of_all_readers(assembly, name, sql, columns):
    definition = view(assembly, name)

    assert definition["originalSql"] == sql
    assert (definition["catalog"], definition["schema"]) == ("awsdatacatalog", f"alsolike_{assembly.environment}")
    assert [column["name"] for column in definition["columns"]] == columns


CHANGES = {"updated_at_ms": "bigint", "deleted": "boolean", "properties": "string"}
DAY = "2026-11-25"


@pytest.mark.parametrize(
    ("name", "columns", "partition", "prefix"),
    [
        ("interactions", INTERACTIONS_COLUMNS, INTERACTIONS_PARTITION, partitions.partition_prefix(DAY)),
        ("served", SERVED_COLUMNS, SERVED_PARTITION, served.partition_prefix(DAY)),
        (OUTCOMES_TABLE, OUTCOMES_COLUMNS, SERVED_PARTITION, f"{OUTCOMES_PREFIX}served_date={DAY}/"),
        (ENGAGEMENT_TABLE, ENGAGEMENT_COLUMNS, SERVED_PARTITION, f"{ENGAGEMENT_PREFIX}served_date={DAY}/"),
        *(
            (
                f"{kind.prefix.removesuffix('/')}_changes",
                {kind.id_column: "string", **CHANGES},
                CHANGES_PARTITION,
                change_log.partition_prefix(kind, DAY),
            )
            for kind in ChangeKind
        ),
    ],
)
def test_table_has_the_columns_and_partitions_of_the_written_rows(demo, name, columns, partition, prefix):
    table = demo.glue_table(name)

    assert {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]} == columns
    assert table["PartitionKeys"] == [{"Name": partition, "Type": "string"}]
    location = flat(table["Parameters"]["storage.location.template"]).replace(f"${{{partition}}}", DAY)
    assert location.endswith(f"/{prefix}")
    assert prefix.startswith(flat(table["StorageDescriptor"]["Location"]).split("/", 3)[3])


def test_athena_view_has_the_columns_of_the_table(demo):
    table = demo.glue_table("interactions_once")

    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
    assert table["ViewExpandedText"] == "/* Presto View */"
    hive = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert hive == {**INTERACTIONS_COLUMNS, "event_date": "string"}
    presto = {column["name"]: column["type"] for column in view(demo, "interactions_once")["columns"]}
    assert list(presto) == list(hive)
    assert (presto["event_id"], presto["event_value"], presto["event_time_ms"]) == ("varchar", "double", "bigint")
    assert (presto["schema_version"], presto["impression"]) == ("integer", "array(varchar)")


def test_compaction_timeout_is_below_its_grace_periods(demo):
    rules, timeout_s = MergeRules(), demo.function("compact_lake").properties["Timeout"]

    assert timeout_s * 1_000 < min(rules.quiet_ms, rules.grace_ms)


def test_partition_projection_ends_with_the_retention(prod):
    """The projection is one day longer than the retention, because S3 expires objects at midnight."""
    (rule,) = [rule for rule in lake_rules(prod) if rule.get("Prefix") == SERVED_PREFIX]

    assert rule["ExpirationInDays"] == 90
    assert prod.glue_table("served")["Parameters"]["projection.served_date.range"] == "NOW-91DAYS,NOW+1DAYS"


def test_subscription_matches_only_log_lines_of_responses(demo):
    subscription = demo.only("AWS::Logs::SubscriptionFilter")
    matches = read_pattern(subscription.properties["FilterPattern"])

    assert matches(served_row().to_line())
    assert not matches('{"_aws": {"Timestamp": 1}, "service": "recommend", "RecommendationsServed": [1.0]}')
    assert not matches('{"level": "INFO", "message": "served", "service": "recommend"}')
    assert not matches("START RequestId: 1")
    recommend = flat(demo.function("recommend").properties["LoggingConfig"]["LogGroup"])
    assert flat(subscription.properties["LogGroupName"]) == recommend


def test_only_the_recommend_log_may_invoke_the_function(demo):
    (permission,) = [
        permission
        for permission in demo.of_type("AWS::Lambda::Permission")
        if flat(permission.properties["Principal"]) == "logs.amazonaws.com"
    ]

    log = flat(demo.only("AWS::Logs::SubscriptionFilter").properties["LogGroupName"])
    assert log in flat(permission.properties["SourceArn"])
    assert permission.properties["Action"] == "lambda:InvokeFunction"

"""The lake: compaction, view, and the change log."""

import base64
import json

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.declarations.tables import CHANGES_PARTITION
from alsolike.records.interaction import INTERACTIONS_COLUMNS, INTERACTIONS_ONCE_SQL
from functions.compact_lake.selection import MergeRules
from tests.infra.assembly import flat


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


def test_compaction_timeout_is_below_its_grace_periods(demo):
    rules, timeout_s = MergeRules(), demo.function("compact_lake").properties["Timeout"]

    assert timeout_s * 1_000 < min(rules.quiet_ms, rules.grace_ms)


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

"""The view by which SQL counts each event once."""

import base64
import json
from collections.abc import Mapping

from aws_cdk import aws_glue as glue
from constructs import Construct

VIEW_NAME = "interactions_once"
# Where Athena finds Glue's databases.
CATALOG = "awsdatacatalog"
COPY_ORDER = (
    "received_time_ms", "event_time_ms", "user_id", "session_id", "item_id", "event_type", "event_value",
    "recommendation_id", "impression", "properties", "schema_version", "query",
)  # fmt: skip
"""The order in which `alsolike.lake` prefers copies of an event; a test keeps the queries equal."""

_PRESTO_TYPES = {
    "string": "varchar",
    "double": "double",
    "bigint": "bigint",
    "int": "integer",
    "array<string>": "array(varchar)",
}


def interactions_once(
    scope: Construct,
    construct_id: str,
    *,
    catalog_id: str,
    database: str,
    table: str,
    columns: Mapping[str, str],
    partition: str,
) -> glue.CfnTable:
    """Create the view over the interactions table.

    Athena keeps a view as JSON in a comment, which it reads and nobody documents; Trino's source does
    (`HiveViewCodec`).
    """
    every = {**columns, partition: "string"}
    definition = {
        "originalSql": once_sql(table=table, columns=tuple(every)),
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": name, "type": _PRESTO_TYPES[type_]} for name, type_ in every.items()],
    }
    return glue.CfnTable(
        scope,
        construct_id,
        catalog_id=catalog_id,
        database_name=database,
        table_input=glue.CfnTable.TableInputProperty(
            name=VIEW_NAME,
            description="Events of users, each once",
            table_type="VIRTUAL_VIEW",
            parameters={"presto_view": "true", "comment": "Presto View"},
            partition_keys=[],
            view_original_text=f"/* Presto View: {base64.b64encode(json.dumps(definition).encode()).decode()} */",
            view_expanded_text="/* Presto View */",
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                location="",
                columns=[glue.CfnTable.ColumnProperty(name=name, type=type_) for name, type_ in every.items()],
                serde_info=glue.CfnTable.SerdeInfoProperty(),
            ),
        ),
    )


def once_sql(*, table: str, columns: tuple[str, ...]) -> str:
    """Return the query: of each event the first copy."""
    listed = ", ".join(columns)
    order = ", ".join(f"{name} ASC NULLS LAST" for name in COPY_ORDER)
    number = f"row_number() OVER (PARTITION BY event_id ORDER BY {order})"
    numbered = f"SELECT {listed}, {number} AS copy FROM {table}"  # noqa: S608  the names are the program's own
    return f"SELECT {listed} FROM ({numbered}) WHERE copy = 1"  # noqa: S608

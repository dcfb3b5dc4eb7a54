"""Athena views without duplicate rows."""

import base64
import json
from collections.abc import Mapping

from aws_cdk import aws_glue as glue
from constructs import Construct

from infra_cdk.constructs.parquet_table import Database

# Name of the Glue catalogue in Athena.
CATALOG = "awsdatacatalog"

_PRESTO_TYPES = {
    "string": "varchar",
    "double": "double",
    "bigint": "bigint",
    "int": "integer",
    "array<string>": "array(varchar)",
    "array<double>": "array(double)",
}


def once_view(
    scope: Construct,
    construct_id: str,
    *,
    database: Database,
    table: str,
    description: str,
    columns: Mapping[str, str],
    partition: str,
    sql: str,
) -> glue.CfnTable:
    """Create the view `<table>_once` with a query that returns the table's columns.

    Athena stores a view as JSON in a comment. Only the source of Trino (`HiveViewCodec`) documents the format.
    """
    every = {**columns, partition: "string"}
    definition = {
        "originalSql": sql,
        "catalog": CATALOG,
        "schema": database.name,
        "columns": [{"name": name, "type": _PRESTO_TYPES[type_]} for name, type_ in every.items()],
    }
    return glue.CfnTable(
        scope,
        construct_id,
        catalog_id=database.catalog_id,
        database_name=database.name,
        table_input=glue.CfnTable.TableInputProperty(
            name=f"{table}_once",
            description=description,
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

"""Glue tables of the lake with one partition per day, and Athena views without duplicate rows."""

import base64
import json
from collections.abc import Mapping
from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

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


class Format(NamedTuple):
    input: str
    output: str
    serialization: str
    parameters: Mapping[str, str]


PARQUET = Format(
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    {"classification": "parquet"},
)
JSON_LINES = Format(
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "org.openx.data.jsonserde.JsonSerDe",
    {"classification": "json", "compressionType": "gzip"},
)


def lake_table(
    scope: Construct,
    construct_id: str,
    *,
    lake: s3.IBucket,
    database: str,
    name: str,
    description: str,
    columns: Mapping[str, str],
    partition: str,
    first_date: str,
    days_ahead: int = 1,
    prefix: str | None = None,
    format_: Format = PARQUET,
) -> glue.CfnTable:
    """Create a table of the objects below `<prefix><partition>=YYYY-MM-DD/`. The default prefix is `<name>/`.

    Queries read only the days from `first_date` to `days_ahead` days after the current day. `columns` does not contain
    the partition. The name is fixed instead of generated, because queries contain it.
    """
    location = f"s3://{lake.bucket_name}/{prefix or f'{name}/'}"
    return glue.CfnTable(
        scope,
        construct_id,
        catalog_id=cdk.Stack.of(scope).account,
        database_name=database,
        table_input=glue.CfnTable.TableInputProperty(
            name=name,
            description=description,
            table_type="EXTERNAL_TABLE",
            partition_keys=[glue.CfnTable.ColumnProperty(name=partition, type="string")],
            # Partition projection computes partitions from dates, so new days need no registration.
            parameters={
                "EXTERNAL": "TRUE",
                **format_.parameters,
                "projection.enabled": "true",
                f"projection.{partition}.type": "date",
                f"projection.{partition}.format": "yyyy-MM-dd",
                f"projection.{partition}.range": f"{first_date},NOW+{days_ahead}DAYS",
                f"projection.{partition}.interval": "1",
                f"projection.{partition}.interval.unit": "DAYS",
                "storage.location.template": f"{location}{partition}=${{{partition}}}/",
            },
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                location=location,
                columns=[glue.CfnTable.ColumnProperty(name=name, type=type_) for name, type_ in columns.items()],
                input_format=format_.input,
                output_format=format_.output,
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library=format_.serialization, parameters={"serialization.format": "1"}
                ),
            ),
        ),
    )


def once_view(
    scope: Construct,
    construct_id: str,
    *,
    database: str,
    table: str,
    description: str,
    columns: Mapping[str, str],
    partition: str,
    sql: str,
) -> glue.CfnTable:
    """Create the view `<table>_once`. `sql` must return the table's columns and the partition.

    Athena stores a view as base64-encoded JSON in a comment. `HiveViewCodec` in the source of Trino defines the format.
    """
    every = {**columns, partition: "string"}
    definition = {
        "originalSql": sql,
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": name, "type": _PRESTO_TYPES[type_]} for name, type_ in every.items()],
    }
    return glue.CfnTable(
        scope,
        construct_id,
        catalog_id=cdk.Stack.of(scope).account,
        database_name=database,
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

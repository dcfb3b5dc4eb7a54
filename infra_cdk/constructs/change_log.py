"""Glue tables of the change logs of items and users in the lake."""

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.tables import CHANGES_PARTITION

FIRST_DATE = "2026-01-01"
"""First partition of the tables. It is earlier than the first release."""


def change_log_table(
    scope: Construct, construct_id: str, lake: s3.IBucket, *, prefix: str, id_column: str, database: str
) -> glue.CfnTable:
    """Create the table `<prefix>_changes`. The name is fixed instead of generated, because queries contain it."""
    location = f"s3://{lake.bucket_name}/{prefix}"
    columns = {id_column: "string", "updated_at_ms": "bigint", "deleted": "boolean", "properties": "string"}
    return glue.CfnTable(
        scope,
        construct_id,
        catalog_id=cdk.Stack.of(scope).account,
        database_name=database,
        table_input=glue.CfnTable.TableInputProperty(
            name=f"{prefix.removesuffix('/')}_changes",
            description=f"Changes of each {id_column} with their times; the row with the latest time is current",
            table_type="EXTERNAL_TABLE",
            partition_keys=[glue.CfnTable.ColumnProperty(name=CHANGES_PARTITION, type="string")],
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "json",
                "compressionType": "gzip",
                "projection.enabled": "true",
                f"projection.{CHANGES_PARTITION}.type": "date",
                f"projection.{CHANGES_PARTITION}.format": "yyyy-MM-dd",
                f"projection.{CHANGES_PARTITION}.range": f"{FIRST_DATE},NOW+1DAYS",
                f"projection.{CHANGES_PARTITION}.interval": "1",
                f"projection.{CHANGES_PARTITION}.interval.unit": "DAYS",
                "storage.location.template": f"{location}{CHANGES_PARTITION}=${{{CHANGES_PARTITION}}}/",
            },
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                location=location,
                columns=[glue.CfnTable.ColumnProperty(name=name, type=type_) for name, type_ in columns.items()],
                input_format="org.apache.hadoop.mapred.TextInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library="org.openx.data.jsonserde.JsonSerDe", parameters={"serialization.format": "1"}
                ),
            ),
        ),
    )

"""Glue tables of Parquet objects in the lake, with one partition per day."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct


@dataclass(frozen=True, slots=True)
class Database:
    """Database of a Glue catalogue. `catalog_id` is the AWS account ID."""

    catalog_id: str
    name: str


def parquet_table(
    scope: Construct,
    construct_id: str,
    *,
    bucket: s3.IBucket,
    database: Database,
    name: str,
    description: str,
    columns: Mapping[str, str],
    partition: str,
    first_date: str,
    days_ahead: int = 1,
) -> glue.CfnTable:
    """Create a table of the objects below `<name>/<partition>=YYYY-MM-DD/`.

    Queries include the days from `first_date` to `days_ahead` days after the current day. `columns` lacks the
    partition.
    """
    location = f"s3://{bucket.bucket_name}/{name}/"
    return glue.CfnTable(
        scope,
        construct_id,
        catalog_id=database.catalog_id,
        database_name=database.name,
        table_input=glue.CfnTable.TableInputProperty(
            name=name,
            description=description,
            table_type="EXTERNAL_TABLE",
            partition_keys=[glue.CfnTable.ColumnProperty(name=partition, type="string")],
            # Partition projection computes partitions from dates, so new days need no registration.
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "parquet",
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
                input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                    parameters={"serialization.format": "1"},
                ),
            ),
        ),
    )

"""Glue table and retention of the recommendation log."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION, SERVED_TABLE
from alsolike.records.served_response import SERVED_COLUMNS, SERVED_ONCE_SQL
from infra_cdk.constructs.lake_view import once_view
from infra_cdk.constructs.parquet_table import Database, parquet_table
from infra_cdk.settings import Settings


class ServedTable(Construct):
    """Glue table `served`, and the view `served_once` without duplicate responses."""

    def __init__(
        self, scope: Construct, construct_id: str, *, lake: s3.IBucket, database: Database, settings: Settings
    ) -> None:
        super().__init__(scope, construct_id)
        table = parquet_table(
            self,
            "Table",
            bucket=lake,
            database=database,
            name=SERVED_TABLE,
            description="Recommendation log with duplicates; served_once has one row per response",
            columns=SERVED_COLUMNS,
            partition=SERVED_PARTITION,
            # Objects of older days are deleted. For queries without a date, Athena would list these days in vain.
            first_date=f"NOW-{settings.served_days + 1}DAYS",
        )
        view = once_view(
            self,
            "Once",
            database=database,
            table=SERVED_TABLE,
            description="Recommendation log with one row per response",
            columns=SERVED_COLUMNS,
            partition=SERVED_PARTITION,
            sql=SERVED_ONCE_SQL,
        )
        view.add_resource_dependency(table)


def served_lifetime(settings: Settings) -> s3.LifecycleRule:
    return s3.LifecycleRule(prefix=SERVED_PREFIX, expiration=cdk.Duration.days(settings.served_days))

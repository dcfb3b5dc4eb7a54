from constructs import Construct

from alsolike.declarations.metrics import Metric
from alsolike.declarations.storage import (
    CHAMPION_KEY,
    CONFIGURATION_KEY,
    ITEM_CHANGES_PREFIX,
    USER_CHANGES_PREFIX,
)
from alsolike.declarations.tables import CHANGES_PARTITION
from infra_cdk.constructs.function_triggers import invoke_for_objects
from infra_cdk.constructs.lake_tables import JSON_LINES, lake_table
from infra_cdk.constructs.metrics import HOUR, PERIOD, OwnMetrics, failed_batches
from infra_cdk.stacks.stack import FunctionStack, Region


class CatalogueStack(FunctionStack):
    """Catalogue snapshot, and change logs of items and users: the function, its triggers, tables and alarms."""

    def __init__(self, scope: Construct, region: Region) -> None:
        super().__init__(scope, "catalogue", region, description="catalogue snapshot and change logs")
        data, publish = self.data, self.function("publish_catalog")
        age = publish.live.metric("IteratorAge", statistic="Maximum", period=PERIOD)
        self.lag_alarm = data.alerts.alarm(
            self,
            "Lag",
            age,
            "Changes of items or users wait for ten minutes",
            above=600_000,
            periods=2,
            runbook="catalogue",
        )
        # The function writes its counters only after changes, and only values above 0. A single value keeps an alarm on
        # a counter active for an hour.
        for construct_id, metric, problem in (
            ("Merges", Metric.SNAPSHOT_MERGES_FAILED, "Segments of the catalogue snapshot are not merged"),
            ("Cold", Metric.COLD_ITEMS_FAILED, "The search for neighbours of new items fails"),
            ("Size", Metric.SNAPSHOTS_TOO_LARGE, "The catalogue snapshot is too large for recommend"),
        ):
            counted = OwnMetrics(self.settings).counted(metric, service="publish_catalog")
            window = int(HOUR.to_minutes() / PERIOD.to_minutes())
            data.alerts.alarm(self, construct_id, counted, problem, window_periods=window, runbook="catalogue")
        data.alerts.alarm(
            self,
            "ChangesFail",
            failed_batches(publish.mappings),
            "Changes of items or users are lost",
            runbook="catalogue",
        )
        for construct_id, prefix, id_column in (
            ("Items", ITEM_CHANGES_PREFIX, "item_id"),
            ("Users", USER_CHANGES_PREFIX, "user_id"),
        ):
            lake_table(
                self,
                f"{construct_id}Log",
                lake=data.lake,
                database=data.database_name,
                name=f"{prefix.removesuffix('/')}_changes",
                description=f"Changes of each {id_column} with their times; the row with the latest time is current",
                columns={id_column: "string", "updated_at_ms": "bigint", "deleted": "boolean", "properties": "string"},
                partition=CHANGES_PARTITION,
                first_date="2026-01-01",  # Earlier than the first release.
                prefix=prefix,
                format_=JSON_LINES,
            )
        invoke_for_objects(
            publish.live,
            self,
            "ConfigurationApplied",
            settings=self.settings,
            purpose="update the snapshot to the declared properties and the champion",
            bucket=data.artefacts,
            keys=[CONFIGURATION_KEY, CHAMPION_KEY],
        )

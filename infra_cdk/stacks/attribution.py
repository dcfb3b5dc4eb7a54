from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from alsolike.declarations.parameters import parameter_name
from alsolike.declarations.tables import ENGAGEMENT_TABLE, OUTCOMES_TABLE, SERVED_PARTITION
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from alsolike.records.outcome import OUTCOMES_COLUMNS
from infra_cdk.constructs.alarm_topic import alarm, alarm_period
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.parquet_table import Database, parquet_table
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class AttributionStack(Stack):
    """Attribution of outcomes to responses: the function, its schedule, tables and alarm."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: StoredData,
        layers: Path,
    ) -> None:
        super().__init__(
            scope, construct_id, env=env, description=f"Alsolike {settings.name}: attribution of outcomes to responses"
        )
        self._settings = settings
        self._data = data
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        self._table("Outcomes", OUTCOMES_TABLE, OUTCOMES_COLUMNS, "Outcomes of responses, without duplicates")
        self._table(
            "Engagement", ENGAGEMENT_TABLE, ENGAGEMENT_COLUMNS, "Sums of outcomes by recommender, model version and arm"
        )
        # The serving stack is deployed later. Therefore, the name of its function is read from a parameter.
        recommend = parameter_name(settings.name, "recommend_function")
        self.function = PythonFunction(
            self,
            "attribute_outcomes",
            settings=settings,
            layers=shared,
            data=data,
            values={"recommend_function_parameter": recommend},
            arns={
                "recommend_parameter": self.format_arn(service="ssm", resource="parameter", resource_name=recommend[1:])
            },
        )
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={"attribute_outcomes_function": self.function.live.function_arn},
        )
        alarm(
            self,
            "Fails",
            metric=self.function.live.metric_errors(
                statistic="Sum", period=alarm_period(settings.attribution_schedule)
            ),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: attribution fails, so outcomes of responses are outdated: "
            "docs/runbooks/attribution.md",
            alerts=data.alerts,
        )

    def _table(self, construct_id: str, name: str, columns: Mapping[str, str], description: str) -> None:
        parquet_table(
            self,
            construct_id,
            bucket=self._data.lake,
            database=Database(self.account, self._data.database_name),
            name=name,
            description=description,
            columns=columns,
            partition=SERVED_PARTITION,
            first_date=self._settings.lake_first_date,
        )

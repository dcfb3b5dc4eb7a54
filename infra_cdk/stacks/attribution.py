from collections.abc import Mapping

from constructs import Construct

from alsolike.declarations.parameters import parameter_name
from alsolike.declarations.tables import ENGAGEMENT_TABLE, OUTCOMES_TABLE, SERVED_PARTITION
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from alsolike.records.outcome import OUTCOMES_COLUMNS
from infra_cdk.constructs.alarm_topic import alarm_period
from infra_cdk.constructs.lake_tables import lake_table
from infra_cdk.stacks.stack import FunctionStack, Region


class AttributionStack(FunctionStack):
    """Attribution of outcomes to responses: the function, its schedule, tables and alarm."""

    def __init__(self, scope: Construct, region: Region) -> None:
        super().__init__(scope, "attribution", region, description="attribution of outcomes to responses")
        self._table("Outcomes", OUTCOMES_TABLE, OUTCOMES_COLUMNS, "Outcomes of responses, without duplicates")
        self._table(
            "Engagement", ENGAGEMENT_TABLE, ENGAGEMENT_COLUMNS, "Sums of outcomes by recommender, model version and arm"
        )
        # The serving stack is deployed later. Therefore, the name of its function is read from a parameter.
        recommend = parameter_name(self.settings.name, "recommend_function")
        self.attribute_outcomes = self.function(
            "attribute_outcomes",
            values={"recommend_function_parameter": recommend},
            arns={
                "recommend_parameter": self.format_arn(service="ssm", resource="parameter", resource_name=recommend[1:])
            },
        )
        live = self.attribute_outcomes.live
        self.publish(attribute_outcomes_function=live.function_arn)
        self.data.alerts.alarm(
            self,
            "Fails",
            live.metric_errors(statistic="Sum", period=alarm_period(self.settings.attribution_schedule)),
            "attribution fails, so outcomes of responses are outdated",
            runbook="attribution",
        )

    def _table(self, construct_id: str, name: str, columns: Mapping[str, str], description: str) -> None:
        lake_table(
            self,
            construct_id,
            lake=self.data.lake,
            database=self.data.database_name,
            name=name,
            description=description,
            columns=columns,
            partition=SERVED_PARTITION,
            first_date=self.settings.lake_first_date,
        )

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarms import response_alarms
from infra_cdk.constructs.budget import monthly_budget
from infra_cdk.constructs.cost_dashboard import cost_dashboard
from infra_cdk.constructs.dashboards import engagement_dashboard, health_dashboard, models_dashboard
from infra_cdk.constructs.metrics import HOUR, PERIOD, OwnMetrics, failed_runs, total
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.stacks.catalogue import CatalogueStack
from infra_cdk.stacks.kafka import KafkaStack
from infra_cdk.stacks.lake import LakeStack
from infra_cdk.stacks.serving import ServingStack
from infra_cdk.stacks.stack import Region, Stack
from infra_cdk.stacks.training import TrainingStack

MAX_REFUSED = 100
"""Maximum number of rejected signatures in five minutes without an alarm. Public APIs receive random probes."""


class ObservabilityStack(Stack):
    """Dashboards, the budget, alarms on the API, trainings and stored data, and two composite alarms.

    `catalogue` is None in the second region. The second region has no dashboards, because their names are unique in an
    account.
    """

    def __init__(
        self,
        scope: Construct,
        region: Region,
        *,
        catalogue: CatalogueStack | None,
        lake: LakeStack,
        serving: ServingStack,
        training: TrainingStack,
        kafka: KafkaStack | None,
    ) -> None:
        self._data, settings = region.data, region.settings
        super().__init__(scope, "observability", settings=settings, description="dashboards and composite alarms")
        alerts = region.data.alerts
        errors = response_alarms(self, settings=settings, api=serving.api, alerts=alerts)
        alerts.composite_alarm(
            self, "ShopSeesErrors", errors, "the shop receives errors or degraded responses", runbook="errors"
        )
        failing = alerts.alarm(
            self,
            "TrainingFails",
            failed_runs(training.state_machine),
            "A run of the training workflow failed",
            runbook="stale",
        )
        self._signatures()
        self._tables()
        self._tombstones()
        stale = [failing, *training.stale_alarms, lake.lag_alarm]
        if catalogue is not None:
            stale.append(catalogue.lag_alarm)
        if kafka is not None:
            stale += [kafka.lag_alarm, kafka.stopped_alarm]
        alerts.composite_alarm(self, "RecommendationsStale", stale, "recommendations are outdated", runbook="stale")
        if catalogue is not None:
            self._dashboards(_python_functions(scope), serving=serving, training=training, alarms=[*errors, *stale])
        if settings.monthly_budget_usd is not None:
            monthly_budget(self, "Budget", settings=settings, dollars=settings.monthly_budget_usd, alerts=alerts)

    def _dashboards(
        self,
        functions: dict[str, PythonFunction],
        *,
        serving: ServingStack,
        training: TrainingStack,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        settings, data = self.settings, self._data
        health_dashboard(
            self,
            settings=settings,
            api=serving.api,
            stream=data.stream,
            functions={name: each.live for name, each in functions.items()},
            recommend_log=serving.recommend_log,
            tables={"profiles": data.profiles, "items": data.catalogue, "users": data.users},
            alarms=alarms,
        )
        engagement_dashboard(self, settings=settings)
        models_dashboard(self, settings=settings, training=training.state_machine)

        cost_dashboard(
            self,
            settings=settings,
            api=serving.api,
            stream=data.stream,
            functions=functions,
            tables={"profiles": data.profiles, "items": data.catalogue, "users": data.users},
            buckets={"lake": data.lake, "artefacts": data.artefacts},
        )
        self._disable_dashboards()

    def _disable_dashboards(self) -> None:
        """Add a condition that disables dashboards which the setting excludes. The template still contains them.

        Otherwise, other stacks would lose exports that only dashboards import. CloudFormation rejects the removal of an
        imported export, and this stack, which imports these exports, is updated last.
        """
        setting = self.settings.dashboards
        never = cdk.CfnCondition(self, "Never", expression=cdk.Fn.condition_equals(cdk.Aws.PARTITION, "never"))
        for made in self.node.find_all():
            if isinstance(made, cloudwatch.CfnDashboard):
                is_health = str(made.dashboard_name).endswith("-health")
                if setting == "none" or (setting == "health" and not is_health):
                    made.cfn_options.condition = never

    def _signatures(self) -> None:
        """Add the alarm on rejected signatures, for example with a deleted key or from an attacker."""
        self._data.alerts.alarm(
            self,
            "SignaturesRefused",
            OwnMetrics(self.settings).counted(Metric.SIGNATURES_REFUSED, service="api"),
            "Signed requests are refused",
            above=MAX_REFUSED,
            periods=2,
            runbook="errors",
        )

    def _tables(self) -> None:
        """Add the alarm on throttled tables. On-demand tables can throttle traffic above twice the previous peak."""
        data = self._data
        watched = (
            (data.profiles, "ReadThrottleEvents"),
            (data.profiles, "WriteThrottleEvents"),
            (data.catalogue, "WriteThrottleEvents"),
            (data.users, "WriteThrottleEvents"),
            (data.keys, "ReadThrottleEvents"),
        )
        data.alerts.alarm(
            self,
            "TablesThrottled",
            total(
                [table.metric(name, statistic="Sum", period=PERIOD) for table, name in watched],
                label="Throttled reads and writes",
            ),
            "Tables throttle reads or writes",
            periods=2,
            runbook="errors",
        )

    def _tombstones(self) -> None:
        """Add the alarm on lost tombstones. The alarm remains active for an hour after the last report."""
        self._data.alerts.alarm(
            self,
            "TombstonesDamaged",
            OwnMetrics(self.settings).counted(Metric.TOMBSTONES_DAMAGED, service="api"),
            "Tombstones of erased users are missing",
            window_periods=int(HOUR.to_minutes() / PERIOD.to_minutes()),
            runbook="tombstones",
        )


def _python_functions(app: Construct) -> dict[str, PythonFunction]:
    found = [each for each in app.node.find_all() if isinstance(each, PythonFunction)]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}

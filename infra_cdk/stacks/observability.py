from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.budget import monthly_budget
from infra_cdk.constructs.cost_dashboard import cost_dashboard
from infra_cdk.constructs.dashboards import engagement_dashboard, health_dashboard
from infra_cdk.constructs.metrics import HOUR, PERIOD, OwnMetrics, failed_runs, total
from infra_cdk.constructs.models_dashboard import models_dashboard
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.response_alarms import response_alarms
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from infra_cdk.stacks.catalogue import CatalogueStack
from infra_cdk.stacks.kafka import KafkaStack
from infra_cdk.stacks.lake import LakeStack
from infra_cdk.stacks.serving import ServingStack
from infra_cdk.stacks.stack import Stack
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
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: StoredData,
        catalogue: CatalogueStack | None,
        lake: LakeStack,
        serving: ServingStack,
        training: TrainingStack,
        kafka: KafkaStack | None,
    ) -> None:
        super().__init__(
            scope, construct_id, env=env, description=f"Alsolike {settings.name}: dashboards and composite alarms"
        )
        self._settings = settings
        self._data = data
        errors = response_alarms(self, settings=settings, api=serving.api, alerts=data.alerts)
        self._composite_alarm(
            "ShopSeesErrors", errors, "the shop receives errors or degraded responses: docs/runbooks/errors.md"
        )
        failing = self._alarm(
            "TrainingFails",
            failed_runs(training.state_machine),
            above=0,
            periods=1,
            description="A run of the training workflow failed: docs/runbooks/stale.md",
        )
        self._signatures()
        self._tables()
        self._tombstones()
        stale = [failing, *training.stale_alarms, lake.lag_alarm]
        if catalogue is not None:
            stale.append(catalogue.lag_alarm)
        if kafka is not None:
            stale += [kafka.lag_alarm, kafka.stopped_alarm]
        self._composite_alarm("RecommendationsStale", stale, "recommendations are outdated: docs/runbooks/stale.md")
        if catalogue is not None:
            self._dashboards(_python_functions(scope), serving=serving, training=training, alarms=[*errors, *stale])
        if settings.monthly_budget_usd is not None:
            monthly_budget(self, "Budget", settings=settings, dollars=settings.monthly_budget_usd, alerts=data.alerts)

    def _dashboards(
        self,
        functions: dict[str, PythonFunction],
        *,
        serving: ServingStack,
        training: TrainingStack,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        settings, data = self._settings, self._data
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
        setting = self._settings.dashboards
        never = cdk.CfnCondition(self, "Never", expression=cdk.Fn.condition_equals(cdk.Aws.PARTITION, "never"))
        for made in self.node.find_all():
            if isinstance(made, cloudwatch.CfnDashboard):
                is_health = str(made.dashboard_name).endswith("-health")
                if setting == "none" or (setting == "health" and not is_health):
                    made.cfn_options.condition = never

    def _signatures(self) -> None:
        """Add the alarm on rejected signatures, for example with a deleted key or from an attacker."""
        self._alarm(
            "SignaturesRefused",
            OwnMetrics(self._settings).counted(Metric.SIGNATURES_REFUSED, service="api"),
            above=MAX_REFUSED,
            periods=2,
            description="Signed requests are refused: docs/runbooks/errors.md",
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
        self._alarm(
            "TablesThrottled",
            total(
                [table.metric(name, statistic="Sum", period=PERIOD) for table, name in watched],
                label="Throttled reads and writes",
            ),
            above=0,
            periods=2,
            description="Tables throttle reads or writes: docs/runbooks/errors.md",
        )

    def _tombstones(self) -> None:
        """Add the alarm on lost tombstones. The alarm remains active for an hour after the last report."""
        self._alarm(
            "TombstonesDamaged",
            OwnMetrics(self._settings).counted(Metric.TOMBSTONES_DAMAGED, service="api"),
            above=0,
            periods=1,
            window_periods=int(HOUR.to_minutes() / PERIOD.to_minutes()),
            description="Tombstones of erased users are missing: docs/runbooks/tombstones.md",
        )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        above: int,
        periods: int,
        description: str,
        window_periods: int | None = None,
    ) -> cloudwatch.Alarm:
        return alarm(
            self,
            construct_id,
            metric=metric,
            above=above,
            periods=periods,
            window_periods=window_periods,
            description=f"Alsolike {self._settings.name}: {description}",
            alerts=self._data.alerts,
        )

    def _composite_alarm(self, construct_id: str, alarms: Sequence[cloudwatch.IAlarm], description: str) -> None:
        """Add an alarm that notifies operators, and is active while any of `alarms` is active."""
        rules = [cloudwatch.AlarmRule.from_alarm(each, cloudwatch.AlarmState.ALARM) for each in alarms]
        made = cloudwatch.CompositeAlarm(
            self,
            construct_id,
            alarm_rule=cloudwatch.AlarmRule.any_of(*rules),
            alarm_description=f"Alsolike {self._settings.name}: {description}",
        )
        made.add_alarm_action(actions.SnsAction(self._data.alerts))
        made.add_ok_action(actions.SnsAction(self._data.alerts))


def _python_functions(app: Construct) -> dict[str, PythonFunction]:
    found = [each for each in app.node.find_all() if isinstance(each, PythonFunction)]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}

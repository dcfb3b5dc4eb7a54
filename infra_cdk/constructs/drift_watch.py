"""Monitoring of the champion and the lake: the function, its schedule and its alarms."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import alarm, alarm_period
from infra_cdk.constructs.metrics import OwnMetrics
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.state_machine import executions_of
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

NAME = "monitor_models"
RUNBOOK = "docs/runbooks/drift.md"


class Monitoring(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: StoredData,
        layers: PythonLayers,
        workflow: sfn.StateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._data = settings, data
        self.function = PythonFunction(
            self,
            NAME,
            settings=settings,
            layers=layers,
            data=data,
            values={"state_machine_arn": workflow.state_machine_arn},
            arns={"training_runs": executions_of(self, workflow)},
        )
        self.alarms = self._alarms()

    def _alarms(self) -> dict[str, cloudwatch.Alarm]:
        settings, made = self._settings, {}
        period = alarm_period(settings.monitoring_schedule)
        for construct_id, name, above, problem in (
            (
                "Drift",
                Metric.FIGURES_DRIFTED,
                0,
                f"requests and events have differed from the training data for {settings.drift_hours} h",
            ),
            ("Stale", Metric.CHAMPION_AGE_HOURS, 24 * settings.champion_stale_days, "the champion is old"),
            ("Silent", Metric.LAKE_SILENT_HOURS, settings.lake_silent_hours, "the lake receives no events"),
            ("Quality", Metric.CHECKS_FAILED, 0, "events fail the quality checks"),
        ):
            made[construct_id] = self._alarm(
                construct_id,
                OwnMetrics(settings).reported(name, period=period, statistic="Maximum", service=NAME),
                above=above,
                problem=problem,
            )
        forced = OwnMetrics(settings).counted(Metric.CHAMPION_FORCED, period=period, service=NAME)
        made["Forced"] = self._alarm(
            "Forced", forced, above=0, problem="the gate rejected the champion", runbook="docs/runbooks/models.md"
        )
        errors = self.function.live.metric_errors(statistic="Sum", period=period)
        made["Fails"] = self._alarm("Fails", errors, above=0, problem="monitoring fails, so drift is not measured")
        return made

    def _alarm(
        self, construct_id: str, metric: cloudwatch.IMetric, *, above: int, problem: str, runbook: str = RUNBOOK
    ) -> cloudwatch.Alarm:
        return alarm(
            self,
            construct_id,
            metric=metric,
            above=above,
            periods=1,
            description=f"Alsolike {self._settings.name}: {problem}: {runbook}",
            alerts=self._data.alerts,
        )

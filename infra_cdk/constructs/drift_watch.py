"""Monitoring of the champion and the lake: the function, its schedule and its alarms."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.alarm_topic import Alerts, alarm_period
from infra_cdk.constructs.metrics import OwnMetrics
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.state_machine import executions_of
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

NAME = "monitor_models"


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
        self.function = PythonFunction(
            self,
            NAME,
            settings=settings,
            layers=layers,
            data=data,
            values={"state_machine_arn": workflow.state_machine_arn},
            arns={"training_runs": executions_of(self, workflow)},
        )
        self.alarms = self._alarms(settings, data.alerts)

    def _alarms(self, settings: Settings, alerts: Alerts) -> dict[str, cloudwatch.Alarm]:
        period, own = alarm_period(settings.monitoring_schedule), OwnMetrics(settings)

        def latest(metric: Metric) -> cloudwatch.Metric:
            return own.reported(metric, period=period, statistic="Maximum", service=NAME)

        return {
            construct_id: alerts.alarm(self, construct_id, metric, problem, above=above, runbook=runbook)
            for construct_id, metric, above, problem, runbook in (
                (
                    "Drift",
                    latest(Metric.FIGURES_DRIFTED),
                    0,
                    f"requests and events have differed from the training data for {settings.drift_hours} h",
                    "drift",
                ),
                (
                    "Stale",
                    latest(Metric.CHAMPION_AGE_HOURS),
                    24 * settings.champion_stale_days,
                    "the champion is old",
                    "drift",
                ),
                (
                    "Silent",
                    latest(Metric.LAKE_SILENT_HOURS),
                    settings.lake_silent_hours,
                    "the lake receives no events",
                    "drift",
                ),
                ("Quality", latest(Metric.CHECKS_FAILED), 0, "events fail the quality checks", "drift"),
                (
                    "Forced",
                    own.counted(Metric.CHAMPION_FORCED, period=period, service=NAME),
                    0,
                    "the gate rejected the champion",
                    "models",
                ),
                (
                    "Fails",
                    self.function.live.metric_errors(statistic="Sum", period=period),
                    0,
                    "monitoring fails, so drift is not measured",
                    "drift",
                ),
            )
        }

"""Events from a Kafka topic."""

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.kafka_source import kafka_arns
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack


class KafkaStack(cdk.Stack):
    """The function that reads the topic, and the alarm on its lag.

    A stack of its own, because only the stack of dashboards and alarms refers to it: it can be deleted once the setting
    is off.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        kafka: KafkaSettings,
        env: cdk.Environment,
        data: DataStack,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: events from Kafka")
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        function = PythonFunction(
            self, "read_kafka", settings=settings, layers=shared, data=data, arns=kafka_arns(kafka)
        )
        self.lag_alarm = alarm(
            self,
            "KafkaLag",
            metric=function.live.metric("OffsetLag", statistic="Maximum", period=cdk.Duration.minutes(5)),
            above=kafka.alarm_records,
            periods=3,
            description=f"Alsolike {settings.name}: Events from Kafka are read late: docs/runbooks/kafka.md",
            alerts=data.alerts,
        )

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.kafka_source import kafka_arns
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class KafkaStack(Stack):
    """Events from a Kafka topic: the functions that read the topic and check its mapping, and the alarms.

    The stack is separate, so that it can be deleted after the setting is removed. Only the observability stack refers
    to this stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        kafka: KafkaSettings,
        env: cdk.Environment,
        data: StoredData,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: events from Kafka")
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        function = PythonFunction(
            self, "read_kafka", settings=settings, layers=shared, data=data, arns=kafka_arns(kafka)
        )
        (mapping,) = function.mappings
        check = PythonFunction(
            self,
            "check_kafka",
            settings=settings,
            layers=shared,
            data=data,
            values={"mapping_id": mapping},
            arns={
                "kafka_mapping": self.format_arn(
                    service="lambda",
                    resource="event-source-mapping",
                    resource_name=mapping,
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            },
        )
        # Without a connection, Lambda reports no lag, so the connection has its own alarm.
        self.stopped_alarm = alarm(
            self,
            "KafkaStopped",
            metric=check.live.metric_errors(statistic="Sum", period=cdk.Duration.minutes(5)),
            above=0,
            periods=3,
            description=f"Alsolike {settings.name}: Lambda does not read Kafka: docs/runbooks/kafka.md",
            alerts=data.alerts,
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

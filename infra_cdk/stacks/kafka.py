from constructs import Construct

from infra_cdk.constructs.kafka_source import kafka_arns
from infra_cdk.constructs.metrics import PERIOD
from infra_cdk.constructs.permissions import colon_arn
from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.stacks.stack import FunctionStack, Region


class KafkaStack(FunctionStack):
    """Events from a Kafka topic: the functions that read the topic and check its mapping, and the alarms.

    The stack is separate, so that it can be deleted after the setting is removed. Only the observability stack refers
    to this stack.
    """

    def __init__(self, scope: Construct, region: Region, *, kafka: KafkaSettings) -> None:
        super().__init__(scope, "kafka", region, description="events from Kafka")
        function = self.function("read_kafka", arns=kafka_arns(kafka))
        (mapping,) = function.mappings
        check = self.function(
            "check_kafka",
            values={"mapping_id": mapping},
            arns={"kafka_mapping": colon_arn(self, "lambda", "event-source-mapping", mapping)},
        )
        alerts = self.data.alerts
        # Without a connection, Lambda reports no lag, so the connection has its own alarm.
        self.stopped_alarm = alerts.alarm(
            self,
            "KafkaStopped",
            check.live.metric_errors(statistic="Sum", period=PERIOD),
            "Lambda does not read Kafka",
            periods=3,
            runbook="kafka",
        )
        self.lag_alarm = alerts.alarm(
            self,
            "KafkaLag",
            function.live.metric("OffsetLag", statistic="Maximum", period=PERIOD),
            "Events from Kafka are read late",
            above=kafka.alarm_records,
            periods=3,
            runbook="kafka",
        )

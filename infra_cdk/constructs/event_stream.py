import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from infra_cdk.constructs.buckets import removal_policy
from infra_cdk.settings import Settings


class EventStream(Construct):
    """Kinesis stream of interactions. Records of a user or session share a shard, which preserves their order."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        provisioned = settings.stream_mode == "provisioned"
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_mode=kinesis.StreamMode.PROVISIONED if provisioned else kinesis.StreamMode.ON_DEMAND,
            shard_count=settings.stream_shards if provisioned else None,
            retention_period=cdk.Duration.hours(settings.stream_retention_hours),
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=removal_policy(settings),
        )

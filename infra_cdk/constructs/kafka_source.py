"""Event source mapping of a Kafka topic.

Without provisioned pollers, Lambda retries a failed batch until it succeeds or Kafka deletes its records. The mapping
has no destination for failed batches, because a destination would limit the retries to ten:
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from alsolike.declarations.manifest import KafkaTopic
from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.settings import Settings

_AUTHENTICATION = {
    "scram-sha-512": "SASL_SCRAM_512_AUTH",
    "scram-sha-256": "SASL_SCRAM_256_AUTH",
    "mtls": "CLIENT_CERTIFICATE_TLS_AUTH",
}
_POSITIONS = {"earliest": "TRIM_HORIZON", "latest": "LATEST"}


def read_topic(trigger: KafkaTopic, function: lambda_.IFunction, scope: Construct, *, settings: Settings) -> str:
    """Invoke a function with the records of the topic in the settings, and return the ID of the mapping."""
    kafka = settings.kafka
    if kafka is None:
        raise ValueError("settings.kafka is None, expected a topic")
    mapping = lambda_.CfnEventSourceMapping(
        # If the topic of a mapping changes, CloudFormation succeeds, but Lambda continues to read the old topic:
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2140
        # Therefore, the ID contains the topic. IDs of nested constructs have a hash, which separates `shop.events` from
        # `shop-events`.
        Construct(scope, "KafkaTopic"),
        kafka.topic,
        function_name=function.function_arn,
        batch_size=trigger.batch_size,
        maximum_batching_window_in_seconds=trigger.window_s,
        topics=[kafka.topic],
        starting_position=_POSITIONS[kafka.starting_position],
        source_access_configurations=_access_configurations(kafka) or None,
        **_cluster(kafka, group_id=f"alsolike-{settings.name}"),
    )
    return mapping.ref


def kafka_arns(kafka: KafkaSettings) -> Mapping[str, str | Sequence[str]]:
    """Return the ARNs for the function's permissions, by the resource names in the manifest of `read_kafka`.

    A list is empty if the settings do not need the permission.
    """
    cluster = [kafka.cluster_arn] if kafka.cluster_arn else []
    return {
        "kafka_cluster": cluster,
        "kafka_brokers": ["*"] if cluster else [],
        "kafka_scram_cluster": [] if kafka.authentication == "mtls" else cluster,
        "kafka_secrets": [arn for arn in (kafka.secret_arn, kafka.root_ca_secret_arn) if arn],
        "kafka_key": [kafka.secret_key_arn] if kafka.secret_key_arn else [],
        "kafka_network": ["*"] if cluster or kafka.subnet_ids else [],
    }


def _cluster(kafka: KafkaSettings, *, group_id: str) -> Mapping[str, Any]:
    mapping = lambda_.CfnEventSourceMapping
    if kafka.cluster_arn:
        return {
            "event_source_arn": kafka.cluster_arn,
            "amazon_managed_kafka_event_source_config": mapping.AmazonManagedKafkaEventSourceConfigProperty(
                consumer_group_id=group_id
            ),
        }
    endpoints = mapping.EndpointsProperty(kafka_bootstrap_servers=list(kafka.bootstrap_servers))
    return {
        "self_managed_event_source": mapping.SelfManagedEventSourceProperty(endpoints=endpoints),
        "self_managed_kafka_event_source_config": mapping.SelfManagedKafkaEventSourceConfigProperty(
            consumer_group_id=group_id
        ),
    }


def _access_configurations(
    kafka: KafkaSettings,
) -> list[lambda_.CfnEventSourceMapping.SourceAccessConfigurationProperty]:
    values = [
        (_AUTHENTICATION[kafka.authentication], kafka.secret_arn),
        ("SERVER_ROOT_CA_CERTIFICATE", kafka.root_ca_secret_arn),
        *(("VPC_SUBNET", f"subnet:{subnet}") for subnet in kafka.subnet_ids),
        ("VPC_SECURITY_GROUP", kafka.security_group_id and f"security_group:{kafka.security_group_id}"),
    ]
    return [
        lambda_.CfnEventSourceMapping.SourceAccessConfigurationProperty(type=kind, uri=uri)
        for kind, uri in values
        if uri
    ]

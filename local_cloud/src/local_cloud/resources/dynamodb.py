"""DynamoDB tables: CloudFormation's types `Table` and `GlobalTable`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Created, Creation, ResourceType

_REPLICA = (
    "ContributorInsightsSpecification", "DeletionProtectionEnabled", "GlobalSecondaryIndexes",
    "KinesisStreamSpecification", "PointInTimeRecoverySpecification", "ReadOnDemandThroughputSettings",
    "ReadProvisionedThroughputSettings", "ResourcePolicy", "SSESpecification", "TableClass", "Tags",
)  # fmt: skip
_UNUSED = (
    "ContributorInsightsSpecification", "ReadOnDemandThroughputSettings", "ReadProvisionedThroughputSettings",
    "WarmThroughput", "WriteOnDemandThroughputSettings", "WriteProvisionedThroughputSettings",
)  # fmt: skip
"""Settings of replicas and indexes that have no effect, because moto limits no throughput."""
_INDEX = ("IndexName", "KeySchema", "Projection")


def _create_table(creation: Creation) -> Created:
    properties = creation.properties
    indexes = [index.take(*_INDEX, "ProvisionedThroughput") for index in properties.sections("GlobalSecondaryIndexes")]
    for index in properties.sections("GlobalSecondaryIndexes"):
        index.keep("ContributorInsightsSpecification", "OnDemandThroughput", "WarmThroughput")
    definition = properties.take("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass")
    return _create(
        creation,
        definition,
        indexes=indexes,
        recovery=properties.get("PointInTimeRecoverySpecification"),
        resource_policy=properties.section("ResourcePolicy").get("PolicyDocument"),
    )


def _create_global_table(creation: Creation) -> Created:
    """Create the replica of a global table in this region. `local_cloud.replication` creates the other replicas."""
    properties = creation.properties
    replicas = {replica["Region"]: replica for replica in properties.sections("Replicas")}
    if creation.region not in replicas:
        raise PropertyError("Replicas", f"must include {creation.region}; there are {sorted(replicas)}")
    replica = replicas[creation.region]
    for region, other in replicas.items():
        if region != creation.region:
            other.keep(*_REPLICA)
    replica.keep("KinesisStreamSpecification", *_UNUSED)
    replica_indexes = {index["IndexName"]: index for index in replica.sections("GlobalSecondaryIndexes")}
    indexes = []
    for index in properties.sections("GlobalSecondaryIndexes"):
        replica_index = replica_indexes.get(index["IndexName"], Properties({}))
        for each in (index, replica_index):
            each.keep(*_UNUSED)
        indexes.append(index.take(*_INDEX))
    definition = {"BillingMode": "PAY_PER_REQUEST"} | replica.take("DeletionProtectionEnabled", "TableClass")
    if "SSESpecification" in properties:
        properties.section("SSESpecification").keep("SSEEnabled", "SSEType")
    return _create(
        creation,
        definition,
        indexes=indexes,
        recovery=replica.get("PointInTimeRecoverySpecification"),
        resource_policy=replica.section("ResourcePolicy").get("PolicyDocument"),
        key=replica.section("SSESpecification").take("KMSMasterKeyId"),
        tags=replica.get("Tags", []),
    )


def _create(
    creation: Creation,
    definition: dict[str, Any],
    *,
    indexes: list[dict[str, Any]],
    recovery: Any,
    resource_policy: Any,
    key: Mapping[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> Created:
    properties, dynamodb = creation.properties, creation.clients("dynamodb")
    name = creation.name("TableName", limit=255)
    definition |= properties.take("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes")
    if indexes:
        definition["GlobalSecondaryIndexes"] = indexes
    if "StreamSpecification" in properties:
        definition["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    if "SSESpecification" in properties:
        encryption = dict(properties["SSESpecification"])
        encryption["Enabled"] = encryption.pop("SSEEnabled")
        definition["SSESpecification"] = encryption | dict(key or {})
    if all_tags := creation.tag_list() + (tags or []):
        definition["Tags"] = all_tags
    table = dynamodb.create_table(TableName=name, **definition)["TableDescription"]
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    if recovery:
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    if resource_policy:
        dynamodb.put_resource_policy(ResourceArn=table["TableArn"], Policy=json.dumps(resource_policy))
    attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId", name)}
    if stream := table.get("LatestStreamArn"):
        attributes["StreamArn"] = stream
    return Created(name, attributes)


_KEPT = {
    "ContributorInsightsSpecification": "moto has no contributor insights",
    "GlobalSecondaryIndexes.OnDemandThroughput": "moto limits no throughput",
    "OnDemandThroughput": "moto limits no throughput",
    "WarmThroughput": "moto needs no warm-up",
}
TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::DynamoDB::Table": ResourceType(_create_table, kept=_KEPT),
    "AWS::DynamoDB::GlobalTable": ResourceType(
        _create_global_table,
        kept={
            **_KEPT,
            "BillingMode": "moto limits no throughput, so all global tables are on demand",
            "WriteOnDemandThroughputSettings": "moto limits no throughput",
            "WriteProvisionedThroughputSettings": "moto limits no throughput",
        },
    ),
}

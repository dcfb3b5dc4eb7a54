"""DynamoDB tables: CloudFormation's types `Table` and `GlobalTable`."""

import json
from typing import Any

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Created, Creation, creates

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
_KEPT = {
    "ContributorInsightsSpecification": "moto has no contributor insights",
    "OnDemandThroughput": "moto limits no throughput",
    "WarmThroughput": "moto needs no warm-up",
}


@creates("AWS::DynamoDB::Table", kept=_KEPT)
def _create_table(creation: Creation) -> Created:
    indexes = creation.properties.sections("GlobalSecondaryIndexes")
    for index in indexes:
        index.keep("ContributorInsightsSpecification", "OnDemandThroughput", "WarmThroughput")
    return _create(
        creation, creation.properties, indexes=[index.take(*_INDEX, "ProvisionedThroughput") for index in indexes]
    )


@creates(
    "AWS::DynamoDB::GlobalTable",
    kept={
        **_KEPT,
        "BillingMode": "moto limits no throughput, so all global tables are on demand",
        "WriteOnDemandThroughputSettings": "moto limits no throughput",
        "WriteProvisionedThroughputSettings": "moto limits no throughput",
    },
)
def _create_global_table(creation: Creation) -> Created:
    """Create the replica of a global table in this region. `local_cloud.replication` creates the other replicas."""
    properties = creation.properties
    replicas = {replica["Region"]: replica for replica in properties.sections("Replicas")}
    if creation.region not in replicas:
        raise PropertyError("Replicas", f"must include {creation.region}; there are {sorted(replicas)}")
    replica = replicas.pop(creation.region)
    for other in replicas.values():
        other.keep(*_REPLICA)
    replica.keep("KinesisStreamSpecification", *_UNUSED)
    for index in (*properties.sections("GlobalSecondaryIndexes"), *replica.sections("GlobalSecondaryIndexes")):
        index.keep("IndexName", *_UNUSED)
    indexes = [index.take(*_INDEX) for index in properties.sections("GlobalSecondaryIndexes")]
    return _create(creation, replica, indexes=indexes, BillingMode="PAY_PER_REQUEST")


def _create(creation: Creation, replica: Properties, *, indexes: list[dict[str, Any]], **parameters: Any) -> Created:
    """Create a table. `replica` has the properties of a global table's replica, or all properties of another table."""
    properties, dynamodb = creation.properties, creation.clients("dynamodb")
    name = creation.name("TableName", limit=255)
    recovery = replica.get("PointInTimeRecoverySpecification")
    policy = replica.section("ResourcePolicy").get("PolicyDocument")
    encryption = properties.section("SSESpecification").take("SSEType", SSEEnabled="Enabled")
    encryption |= replica.section("SSESpecification").take("KMSMasterKeyId")
    parameters |= replica.take("DeletionProtectionEnabled", "TableClass", "Tags")
    if indexes:
        parameters["GlobalSecondaryIndexes"] = indexes
    if "StreamSpecification" in properties:
        parameters["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    if "SSESpecification" in properties:
        parameters["SSESpecification"] = encryption
    table = creation.call("dynamodb", "create_table", TableName=name, **parameters)["TableDescription"]
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    if recovery:
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    if policy:
        dynamodb.put_resource_policy(ResourceArn=table["TableArn"], Policy=json.dumps(policy))
    attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId", name)}
    if stream := table.get("LatestStreamArn"):
        attributes["StreamArn"] = stream
    return Created(name, attributes)

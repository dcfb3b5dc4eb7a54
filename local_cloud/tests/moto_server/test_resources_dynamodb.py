from typing import Any

import pytest

from local_cloud.deployer import DeploymentError
from moto_cloud import REGION, MotoCloud

KEY_SCHEMA: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "item_id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "item_id", "KeyType": "HASH"}],
}


def described(cloud: MotoCloud, name: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    dynamodb = cloud.client("dynamodb")
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    table = dynamodb.describe_table(TableName=name)["Table"]
    return table, ttl["AttributeName"], backups["PointInTimeRecoveryDescription"]


def test_table_has_its_settings(cloud: MotoCloud) -> None:
    table = cloud.create(
        "AWS::DynamoDB::Table",
        **KEY_SCHEMA,
        BillingMode="PAY_PER_REQUEST",
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
        SSESpecification={"SSEEnabled": True, "SSEType": "KMS"},
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        DeletionProtectionEnabled=True,
        Tags=[{"Key": "team", "Value": "shop"}],
    )

    description, ttl, recovery = described(cloud, table.physical_id)
    assert ttl == "expires_at"
    assert (recovery["PointInTimeRecoveryStatus"], recovery["RecoveryPeriodInDays"]) == ("ENABLED", 7)
    assert description["SSEDescription"]["SSEType"] == "KMS"
    assert description["LatestStreamArn"] == table.attributes["StreamArn"]
    assert description["DeletionProtectionEnabled"] is True
    assert description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    tags = cloud.client("dynamodb").list_tags_of_resource(ResourceArn=table.attributes["Arn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "shop"}]


def test_table_with_an_index_has_its_capacity(cloud: MotoCloud) -> None:
    capacity = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}
    index = {
        "IndexName": "by_item",
        "KeySchema": KEY_SCHEMA["KeySchema"],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    }

    table = cloud.create(
        "AWS::DynamoDB::Table", **KEY_SCHEMA, ProvisionedThroughput=capacity, GlobalSecondaryIndexes=[index]
    )

    description = cloud.client("dynamodb").describe_table(TableName=table.physical_id)["Table"]
    assert description["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    (stored,) = description["GlobalSecondaryIndexes"]
    assert (stored["IndexName"], stored["ProvisionedThroughput"]["WriteCapacityUnits"]) == ("by_item", 1)


def test_global_table_of_one_replica_has_its_settings(cloud: MotoCloud) -> None:
    table = cloud.create(
        "AWS::DynamoDB::GlobalTable",
        **KEY_SCHEMA,
        BillingMode="PAY_PER_REQUEST",
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
        SSESpecification={"SSEEnabled": True, "SSEType": "KMS"},
        StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
        Replicas=[
            {
                "Region": REGION,
                "DeletionProtectionEnabled": True,
                "TableClass": "STANDARD",
                "ContributorInsightsSpecification": {"Enabled": False},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "Tags": [{"Key": "team", "Value": "shop"}],
            }
        ],
    )

    description, ttl, recovery = described(cloud, table.physical_id)
    assert ttl == "expires_at"
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert description["SSEDescription"]["Status"] == "ENABLED"
    assert description["DeletionProtectionEnabled"] is True
    assert description["LatestStreamArn"] == table.attributes["StreamArn"]
    tags = cloud.client("dynamodb").list_tags_of_resource(ResourceArn=table.attributes["Arn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "shop"}]


def test_global_table_joins_capacity_of_table_and_replica(cloud: MotoCloud) -> None:
    scaling = {"MinCapacity": 2, "MaxCapacity": 9, "TargetTrackingScalingPolicyConfiguration": {}}
    replica = {"Region": REGION, "ReadProvisionedThroughputSettings": {"ReadCapacityUnits": 4}}

    table = cloud.create(
        "AWS::DynamoDB::GlobalTable",
        **KEY_SCHEMA,
        BillingMode="PROVISIONED",
        WriteProvisionedThroughputSettings={"WriteCapacityAutoScalingSettings": scaling},
        Replicas=[replica],
    )

    description = cloud.client("dynamodb").describe_table(TableName=table.physical_id)["Table"]
    throughput = description["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (4, 2)


def test_global_table_in_other_regions_only_is_an_error(cloud: MotoCloud) -> None:
    with pytest.raises(DeploymentError, match="property Replicas: must include eu-west-1; there are"):
        cloud.create("AWS::DynamoDB::GlobalTable", **KEY_SCHEMA, Replicas=[{"Region": "us-east-1"}])


def test_replica_of_another_region_does_not_change_the_table(cloud: MotoCloud) -> None:
    replicas = [{"Region": REGION}, {"Region": "us-east-1", "DeletionProtectionEnabled": True}]

    table = cloud.create("AWS::DynamoDB::GlobalTable", **KEY_SCHEMA, BillingMode="PAY_PER_REQUEST", Replicas=replicas)

    description = cloud.client("dynamodb").describe_table(TableName=table.physical_id)["Table"]
    assert description["DeletionProtectionEnabled"] is False


def test_unread_property_of_a_replica_is_named(cloud: MotoCloud) -> None:
    replicas = [{"Region": REGION, "GlobalTableSettingsReplicationMode": "ALL"}]

    with pytest.raises(DeploymentError, match=r"property Replicas\[0\]\.GlobalTableSettingsReplicationMode"):
        cloud.create("AWS::DynamoDB::GlobalTable", **KEY_SCHEMA, BillingMode="PAY_PER_REQUEST", Replicas=replicas)

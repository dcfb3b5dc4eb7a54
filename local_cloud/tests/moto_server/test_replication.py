"""Replication between two clouds. Two regions of one moto server stand for the clouds."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from local_cloud.deployment import Deployment, Resource
from local_cloud.replication import Replication, replicated_stores

FIRST, SECOND = "eu-west-1", "eu-central-1"
TABLE = "items"


class Region:
    def __init__(self, endpoint: str, name: str, **replicated: Any) -> None:
        self._endpoint, self._name = endpoint, name
        self.state = SimpleNamespace(replicated={"tables": [], "secrets": [], "buckets": {}, **replicated})
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                region_name=self._name,
                endpoint_url=self._endpoint,
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )
        return self._clients[service]

    def put(self, key: str, value: str) -> None:
        self.client("dynamodb").put_item(TableName=TABLE, Item={"id": {"S": key}, "value": {"S": value}})

    def delete(self, key: str) -> None:
        self.client("dynamodb").delete_item(TableName=TABLE, Key={"id": {"S": key}})

    def items(self) -> dict[str, str]:
        found = self.client("dynamodb").scan(TableName=TABLE)["Items"]
        return {item["id"]["S"]: item["value"]["S"] for item in found}

    def objects(self, bucket: str) -> dict[str, bytes]:
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}


class Regions:
    """Two regions and their replication. `lost` is the region that is down, or None."""

    def __init__(self, first: Region, second: Region) -> None:
        self.first, self.second = first, second
        self.lost: Region | None = None
        self.replication = Replication(self._running)  # type: ignore[arg-type]

    def _running(self) -> tuple[Region | None, Region | None]:
        first, second = (None if region is self.lost else region for region in (self.first, self.second))
        return first, second


def rule(bucket, prefix="", *, delete_markers=True):
    return {"prefix": prefix, "bucket": bucket, "delete_markers": delete_markers}


@pytest.fixture
def regions(cloud):
    """Return a function that creates two regions: a table in the first, and a bucket with the given rules in each."""

    def create(one=None, two=None):
        first = Region(cloud.endpoint, FIRST, tables=[TABLE], buckets={"one": one} if one else {})
        second = Region(cloud.endpoint, SECOND, buckets={"two": two} if two else {})
        first.client("dynamodb").create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for region, bucket, location in ((first, "one", FIRST), (second, "two", SECOND)):
            s3 = region.client("s3")
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": location})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return Regions(first, second)

    return create


def test_tables_replicate_changes_of_both_regions(regions):
    made = regions()
    made.first.put("a", "1")
    made.replication.start()
    made.second.put("b", "2")
    made.first.put("a", "3")

    made.replication.run()

    assert made.first.items() == made.second.items() == {"a": "3", "b": "2"}


def test_deletion_replicates_and_does_not_return(regions):
    made = regions()
    made.first.put("a", "1")
    made.replication.start()
    made.second.delete("a")

    copied = made.replication.run()

    assert made.first.items() == made.second.items() == {}
    assert (copied, made.replication.run()) == (1, 0)


def test_changes_during_a_loss_replicate_afterwards(regions):
    made = regions()
    made.first.put("a", "1")
    made.replication.start()
    made.lost = made.first
    made.second.put("a", "2")
    made.second.put("b", "2")

    during = made.replication.run()
    before = made.first.items()
    made.lost = None
    made.replication.run()

    assert (during, before) == (0, {"a": "1"})
    assert made.first.items() == made.second.items() == {"a": "2", "b": "2"}


def test_objects_replicate_by_prefix_in_both_directions(regions):
    made = regions([rule("two", "shared/"), rule("two", "one-way/")], [rule("one", "shared/")])
    made.replication.start()
    for region, bucket in ((made.first, "one"), (made.second, "two")):
        for prefix in ("shared/", "one-way/", "own/"):
            region.client("s3").put_object(Bucket=bucket, Key=f"{prefix}{bucket}", Body=bucket.encode())

    made.replication.run()

    shared = {"shared/one", "shared/two"}
    assert made.first.objects("one").keys() == shared | {"one-way/one", "own/one"}
    assert made.second.objects("two").keys() == shared | {"one-way/one", "one-way/two", "own/two"}
    assert made.replication.run() == 0


def test_replicas_of_objects_are_not_replicated_back(regions):
    made = regions([rule("two")], [rule("one")])
    made.replication.start()
    made.first.client("s3").put_object(Bucket="one", Key="a", Body=b"1")

    made.replication.run()
    made.replication.run()

    versions = made.first.client("s3").list_object_versions(Bucket="one")["Versions"]
    assert len(versions) == 1


@pytest.mark.parametrize(("is_replicated", "left"), [(True, {}), (False, {"a": b"1"})])
def test_delete_markers_replicate_if_the_rule_says_so(regions, is_replicated, left):
    made = regions([rule("two", delete_markers=is_replicated)])
    made.first.client("s3").put_object(Bucket="one", Key="a", Body=b"1")
    made.replication.start()
    made.first.client("s3").delete_object(Bucket="one", Key="a")

    made.replication.run()

    assert made.second.objects("two") == left


def test_lag_of_copies_is_a_metric_of_the_source(regions):
    made = regions([rule("two", "shared/")])
    made.replication.start()
    made.first.put("a", "1")
    made.first.client("s3").put_object(Bucket="one", Key="shared/a", Body=b"1")

    made.replication.run()

    metrics = made.first.client("cloudwatch").list_metrics(MetricName="ReplicationLatency")["Metrics"]
    dimensions = [{each["Name"]: each["Value"] for each in metric["Dimensions"]} for metric in metrics]
    assert {"TableName": TABLE} in dimensions
    assert {"SourceBucket": "one", "DestinationBucket": "two", "RuleId": "shared/"} in dimensions


def test_secret_has_the_same_value_in_both_regions(regions):
    made = regions()
    secret = made.first.client("secretsmanager").create_secret(Name="key", SecretString="s3cret")
    made.first.state.replicated["secrets"].append(secret["ARN"])

    made.replication.start()

    arn = secret["ARN"].replace(FIRST, SECOND)
    assert made.second.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"] == "s3cret"


def test_replication_starts_only_with_both_clouds(regions):
    made = regions()
    made.lost = made.second

    with pytest.raises(ValueError, match="both clouds must run"):
        made.replication.start()


def test_replicated_stores_are_read_from_templates():
    def resource(kind, name, **properties):
        return Resource("shop", name, kind, name, {}, properties)

    rules = [
        {
            "Status": status,
            "Filter": {"Prefix": f"{status}/"},
            "Destination": {"Bucket": "arn:aws:s3:::two"},
            "DeleteMarkerReplication": {"Status": "Enabled"},
        }
        for status in ("Enabled", "Disabled")
    ]
    deployment = Deployment(
        (
            resource("AWS::DynamoDB::GlobalTable", "one", Replicas=[{"Region": FIRST}]),
            resource("AWS::DynamoDB::GlobalTable", "both", Replicas=[{"Region": FIRST}, {"Region": SECOND}]),
            resource("AWS::SecretsManager::Secret", "own"),
            resource("AWS::SecretsManager::Secret", "shared", ReplicaRegions=[{"Region": SECOND}]),
            resource("AWS::S3::Bucket", "plain"),
            resource("AWS::S3::Bucket", "one", ReplicationConfiguration={"Rules": rules}),
        ),
        {},
    )

    assert replicated_stores(deployment, region=FIRST) == {
        "tables": ["both"],
        "secrets": ["shared"],
        "buckets": {"one": [rule("two", "Enabled/")]},
    }

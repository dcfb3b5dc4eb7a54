"""Replication of tables, buckets and secrets between two clouds, as their templates declare it.

DynamoDB and S3 replicate within seconds or minutes. Here, each call of `Replication.run` copies the changes of tables
and buckets so far, so that tests decide on the lag. Secrets are copied only at the start. S3 and DynamoDB resolve
conflicts by time. Here, the change of the first cloud wins.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from local_cloud.client import Cloud
from local_cloud.deployment import Deployment

_DECLARED_AS = ("AttributeDefinitions", "KeySchema")


def replicated_stores(deployment: Deployment, *, region: str) -> dict[str, Any]:
    """Return the tables and secrets with a replica in another region, and the replication rules by bucket."""
    return {
        "tables": [
            table.physical_id
            for table in deployment.of_type("AWS::DynamoDB::GlobalTable")
            if any(replica["Region"] != region for replica in table.properties["Replicas"])
        ],
        "secrets": [
            secret.physical_id
            for secret in deployment.of_type("AWS::SecretsManager::Secret")
            if secret.properties.get("ReplicaRegions")
        ],
        "buckets": {
            bucket.physical_id: [
                {
                    "prefix": rule.get("Filter", {}).get("Prefix", rule.get("Prefix", "")),
                    "bucket": rule["Destination"]["Bucket"].rpartition(":")[2],
                    "delete_markers": rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled",
                }
                for rule in bucket.properties["ReplicationConfiguration"]["Rules"]
                if rule["Status"] == "Enabled"
            ]
            for bucket in deployment.of_type("AWS::S3::Bucket")
            if "ReplicationConfiguration" in bucket.properties
        },
    }


class _Rule(NamedTuple):
    """Replication rule of a bucket. `source` and `destination` are the positions of the clouds, 0 and 1."""

    source: int
    destination: int
    from_bucket: str
    to_bucket: str
    prefix: str
    delete_markers: bool


@dataclass
class Replication:
    """Replication between two running clouds. The first cloud owns the tables and secrets.

    `clouds` returns None for a cloud that does not run.
    """

    clouds: Callable[[], tuple[Cloud | None, Cloud | None]]
    _tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _items: dict[str, dict[tuple[str, ...], Any]] = field(default_factory=dict)
    _rules: list[_Rule] = field(default_factory=list)
    _seen: set[tuple[int, str, str]] = field(default_factory=set)
    _ran_at: float = field(default_factory=time.monotonic)
    _running: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Create the replicas of tables and secrets in the second cloud, and replicate existing data."""
        first, second = self.clouds()
        if first is None or second is None:
            raise ValueError("both clouds must run when the replication starts")
        for name in first.state.replicated["tables"]:
            self._create_table(name, first, second)
        for arn in first.state.replicated["secrets"]:
            _copy_secret(arn, first, second)
        for number, cloud in enumerate((first, second)):
            for bucket, rules in cloud.state.replicated["buckets"].items():
                self._rules += (
                    _Rule(number, 1 - number, bucket, rule["bucket"], rule["prefix"], rule["delete_markers"])
                    for rule in rules
                )
        self.run()

    def run(self) -> int:
        """Copy changes of tables and buckets, if both clouds run. Return the number of copied writes and deletions."""
        with self._running:
            first, second = self.clouds()
            if first is None or second is None:
                return 0
            waited_s, self._ran_at = time.monotonic() - self._ran_at, time.monotonic()
            copied = 0
            for name in self._tables:
                if changes := self._replicate_table(name, first, second):
                    copied += changes
                    # The time of a change is unknown. The time since the previous call is an upper bound of the lag.
                    _report_lag(first, "AWS/DynamoDB", waited_s * 1000, {"TableName": name})
            return copied + sum(self._replicate_bucket(rule, (first, second)) for rule in self._rules)

    def _create_table(self, name: str, first: Cloud, second: Cloud) -> None:
        declared = first.client("dynamodb").describe_table(TableName=name)["Table"]
        self._tables[name] = tuple(key["AttributeName"] for key in declared["KeySchema"])
        self._items[name] = {}
        client = second.client("dynamodb")
        if name not in client.list_tables()["TableNames"]:
            client.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST", **{part: declared[part] for part in _DECLARED_AS}
            )

    def _replicate_table(self, name: str, first: Cloud, second: Cloud) -> int:
        keys, known = self._tables[name], self._items[name]
        clients = first.client("dynamodb"), second.client("dynamodb")
        ours, theirs = (_items(client, name, keys) for client in clients)
        copied = 0
        for key, item in {**known, **ours, **theirs}.items():
            one, other, before = ours.get(key), theirs.get(key), known.get(key)
            is_ours = other == before or one != before
            latest = one if is_ours else other
            if one != other:
                target = clients[1 if is_ours else 0]
                if latest is None:
                    target.delete_item(TableName=name, Key={part: item[part] for part in keys})
                else:
                    target.put_item(TableName=name, Item=latest)
                copied += 1
            if latest is None:
                known.pop(key, None)
            else:
                known[key] = latest
        return copied

    def _replicate_bucket(self, rule: _Rule, clouds: tuple[Cloud, Cloud]) -> int:
        source, destination = clouds[rule.source].client("s3"), clouds[rule.destination].client("s3")
        copied, lag_s = 0, 0.0
        for key, version, is_marker, modified in _latest_versions(source, rule.from_bucket, rule.prefix):
            place = (rule.source, rule.from_bucket, version)
            if place in self._seen:
                continue
            self._seen.add(place)
            if is_marker:
                if not rule.delete_markers:
                    continue
                made = destination.delete_object(Bucket=rule.to_bucket, Key=key)
            else:
                stored = source.get_object(Bucket=rule.from_bucket, Key=key, VersionId=version)
                made = destination.put_object(
                    Bucket=rule.to_bucket,
                    Key=key,
                    Body=stored["Body"].read(),
                    ContentType=stored["ContentType"],
                    Metadata=stored["Metadata"],
                )
            # S3 does not replicate replicas.
            self._seen.add((rule.destination, rule.to_bucket, made["VersionId"]))
            copied += 1
            lag_s = max(lag_s, (datetime.now(UTC) - modified).total_seconds())
        if copied:
            dimensions = {
                "SourceBucket": rule.from_bucket,
                "DestinationBucket": rule.to_bucket,
                "RuleId": rule.prefix or "all",
            }
            _report_lag(clouds[rule.source], "AWS/S3", lag_s, dimensions)
        return copied


def _report_lag(cloud: Cloud, namespace: str, lag: float, dimensions: Mapping[str, str]) -> None:
    """Write the metric ReplicationLatency. S3 counts seconds, DynamoDB milliseconds."""
    entry = {
        "MetricName": "ReplicationLatency",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Value": lag,
        "Timestamp": datetime.now(UTC),
    }
    cloud.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[entry])


def _items(client: Any, table: str, keys: tuple[str, ...]) -> dict[tuple[str, ...], Any]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {tuple(str(item[key]) for key in keys): item for page in pages for item in page["Items"]}


def _latest_versions(client: Any, bucket: str, prefix: str) -> Iterator[tuple[str, str, bool, datetime]]:
    """Yield for each object: key, ID of the latest version, true if this version is a delete marker, and its time."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for kind, is_marker in (("Versions", False), ("DeleteMarkers", True)):
            for entry in page.get(kind, []):
                if entry["IsLatest"]:
                    yield entry["Key"], entry["VersionId"], is_marker, entry["LastModified"]


def _copy_secret(arn: str, first: Cloud, second: Cloud) -> None:
    """Create or update the replica of a secret. On AWS, only the region of its ARN differs.

    moto adds a random suffix to each ARN, but finds a secret by an ARN without this suffix. Therefore the suffix of the
    first ARN is part of the replica's name.
    """
    name = arn.rpartition(":")[2]
    value = first.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    client = second.client("secretsmanager")
    pages = client.get_paginator("list_secrets").paginate()
    if name in {secret["Name"] for page in pages for secret in page["SecretList"]}:
        client.put_secret_value(SecretId=name, SecretString=value)
    else:
        client.create_secret(Name=name, SecretString=value)

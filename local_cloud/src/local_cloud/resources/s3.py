"""S3 buckets and their policies."""

import json
from collections.abc import Mapping
from typing import Any

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Created, Creation, creates

_UNCHANGED = {
    "OwnershipControls": "put_bucket_ownership_controls",
    "PublicAccessBlockConfiguration": "put_public_access_block",
    "VersioningConfiguration": "put_bucket_versioning",
}
"""Operations whose parameters have the names and the form of the properties."""
_CORS = ("AllowedHeaders", "AllowedMethods", "AllowedOrigins")
_EVERYBODY = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def bucket_location(region: str) -> dict[str, Any]:
    """Return the location parameter of a new bucket. S3 rejects the name of its default region."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


@creates(
    "AWS::S3::Bucket",
    kept={
        "AccessControl": "buckets with object ownership enforced have no ACLs",
        "IntelligentTieringConfigurations": "moto moves no objects between tiers",
        "InventoryConfigurations": "moto writes no inventories",
        "MetricsConfigurations": "moto counts no requests",
        "ReplicationConfiguration": "local_cloud.replication copies objects, not moto",
        "LoggingConfiguration": "moto writes no access logs, and requires the policy of the target to exist first",
    },
)
def _create_bucket(creation: Creation) -> Created:
    properties, s3 = creation.properties, creation.clients("s3")
    name = creation.name("BucketName", limit=63, lower=True)
    lock = properties.take(ObjectLockEnabled="ObjectLockEnabledForBucket")
    s3.create_bucket(Bucket=name, **bucket_location(creation.region), **lock)
    if "BucketEncryption" in properties:
        rules = [
            rule.take("BucketKeyEnabled", ServerSideEncryptionByDefault="ApplyServerSideEncryptionByDefault")
            for rule in properties.section("BucketEncryption").sections("ServerSideEncryptionConfiguration")
        ]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    for setting, operation in _UNCHANGED.items():
        if setting in properties:
            getattr(s3, operation)(Bucket=name, **{setting: properties[setting]})
    if "LifecycleConfiguration" in properties:
        rules = [_lifecycle_rule(rule) for rule in properties.section("LifecycleConfiguration").sections("Rules")]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if "CorsConfiguration" in properties:
        rules = [
            rule.take(*_CORS, Id="ID", MaxAge="MaxAgeSeconds", ExposedHeaders="ExposeHeaders")
            for rule in properties.section("CorsConfiguration").sections("CorsRules")
        ]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    if "NotificationConfiguration" in properties:
        _send_events(s3, name, properties.section("NotificationConfiguration"))
    if tags := creation.tag_list():
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    return Created(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{creation.region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{creation.region}.amazonaws.com",
        },
    )


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    """Return a rule in the format of the API.

    moto does not store the number of versions in `NoncurrentVersionExpiration`, nor conditions on the size of objects.
    """
    parts: dict[str, Any] = {
        "Expiration": rule.take("ExpiredObjectDeleteMarker", ExpirationInDays="Days", ExpirationDate="Date"),
        "NoncurrentVersionExpiration": rule.take(NoncurrentVersionExpirationInDays="NoncurrentDays"),
        "Transitions": [
            each.take("StorageClass", TransitionInDays="Days", TransitionDate="Date")
            for each in rule.sections("Transitions")
        ],
        "NoncurrentVersionTransitions": [
            each.take("StorageClass", "NewerNoncurrentVersions", TransitionInDays="NoncurrentDays")
            for each in rule.sections("NoncurrentVersionTransitions")
        ],
    }
    return {
        "Filter": _lifecycle_filter(rule),
        **{name: value for name, value in parts.items() if value},
        **rule.take("Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", Id="ID"),
    }


def _lifecycle_filter(rule: Properties) -> dict[str, Any]:
    conditions = rule.take("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    for size in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if size in conditions:
            conditions[size] = int(conditions[size])
    tags = rule.get("TagFilters", [])
    if len(conditions) + len(tags) > 1:
        return {"And": conditions | ({"Tags": tags} if tags else {})}
    return {"Tag": tags[0]} if tags else conditions or {"Prefix": ""}


def _send_events(s3: Any, bucket: str, configuration: Properties) -> None:
    """Enable EventBridge if the template does. Other destinations are not read, so that the deployment refuses them."""
    if "EventBridgeConfiguration" not in configuration:
        return
    enabled = configuration.section("EventBridgeConfiguration").get("EventBridgeEnabled", True)
    if str(enabled).lower() == "true":
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


@creates(
    "AWS::S3::BucketPolicy",
    kept={"PolicyDocument": "statements with a condition, and denials of one principal, are left out"},
)
def _create_bucket_policy(creation: Creation) -> Created:
    properties = creation.properties
    bucket, document = properties["Bucket"], properties["PolicyDocument"]
    if not isinstance(document.get("Statement"), list):
        raise PropertyError("PolicyDocument.Statement", "must be a list")
    statements = [statement for statement in document["Statement"] if _is_enforced_truly(statement)]
    if statements:
        creation.clients("s3").put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({**document, "Statement": statements})
        )
    return Created(creation.name(None, limit=128))


def _is_enforced_truly(statement: Mapping[str, Any]) -> bool:
    """Return whether moto and S3 enforce a statement in the same way.

    In bucket policies, moto knows neither the values for conditions nor the caller. Therefore, a statement with a
    condition, even an `Allow`, can deny its actions to all callers. A `Deny` for one principal also denies its actions
    to all callers.
    """
    if "Condition" in statement:
        return False
    return statement["Effect"] == "Allow" or statement.get("Principal") in _EVERYBODY

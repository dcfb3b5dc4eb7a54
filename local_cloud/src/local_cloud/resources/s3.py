"""S3 buckets and their policies."""

import json
from collections.abc import Mapping
from typing import Any, Final

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Created, Creation, ResourceType

_UNCHANGED = {
    "OwnershipControls": "put_bucket_ownership_controls",
    "PublicAccessBlockConfiguration": "put_public_access_block",
    "VersioningConfiguration": "put_bucket_versioning",
}
"""Operations whose parameters have the names and the form of the properties."""
_EVERYBODY = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def bucket_location(region: str) -> dict[str, Any]:
    """Return the location parameter of a new bucket. S3 rejects the name of its default region."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _create_bucket(creation: Creation) -> Created:
    properties, s3 = creation.properties, creation.clients("s3")
    name = creation.name("BucketName", limit=63, lower=True)
    lock = properties.take("ObjectLockEnabled")
    s3.create_bucket(
        Bucket=name,
        **bucket_location(creation.region),
        **({"ObjectLockEnabledForBucket": lock["ObjectLockEnabled"]} if lock else {}),
    )
    if "BucketEncryption" in properties:
        rules = properties.section("BucketEncryption").sections("ServerSideEncryptionConfiguration")
        s3.put_bucket_encryption(
            Bucket=name, ServerSideEncryptionConfiguration={"Rules": [_encryption_rule(rule) for rule in rules]}
        )
    for setting, operation in _UNCHANGED.items():
        if setting in properties:
            getattr(s3, operation)(Bucket=name, **{setting: properties[setting]})
    if "LifecycleConfiguration" in properties:
        rules = properties.section("LifecycleConfiguration").sections("Rules")
        s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in rules]}
        )
    if "CorsConfiguration" in properties:
        rules = properties.section("CorsConfiguration").sections("CorsRules")
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [_cors_rule(rule) for rule in rules]})
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


def _encryption_rule(rule: Properties) -> dict[str, Any]:
    answer = rule.take("BucketKeyEnabled")
    if "ServerSideEncryptionByDefault" in rule:
        answer["ApplyServerSideEncryptionByDefault"] = rule["ServerSideEncryptionByDefault"]
    return answer


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    answer: dict[str, Any] = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "Id" in rule:
        answer["ID"] = rule["Id"]
    expiration = {
        theirs: rule[ours]
        for ours, theirs in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if ours in rule
    }
    if expiration:
        answer["Expiration"] = expiration
    answer |= rule.take("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    if "NoncurrentVersionExpirationInDays" in rule:
        answer["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if "Transitions" in rule:
        answer["Transitions"] = [
            _renamed(transition, {"TransitionInDays": "Days", "TransitionDate": "Date"})
            for transition in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        answer["NoncurrentVersionTransitions"] = [
            _renamed(transition, {"TransitionInDays": "NoncurrentDays"})
            for transition in rule["NoncurrentVersionTransitions"]
        ]
    return answer


def _lifecycle_filter(rule: Properties) -> dict[str, Any]:
    conditions = rule.take("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    for size in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if size in conditions:
            conditions[size] = int(conditions[size])
    tags = rule.get("TagFilters", [])
    if len(conditions) + len(tags) > 1:
        return {"And": conditions | ({"Tags": tags} if tags else {})}
    return {"Tag": tags[0]} if tags else conditions or {"Prefix": ""}


def _cors_rule(rule: Properties) -> dict[str, Any]:
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    return _renamed(rule.take("AllowedHeaders", "AllowedMethods", "AllowedOrigins", *names), names)


def _send_events(s3: Any, bucket: str, configuration: Properties) -> None:
    """Enable EventBridge if the template does. Other destinations are not read, so that the deployment refuses them."""
    if "EventBridgeConfiguration" not in configuration:
        return
    enabled = configuration.section("EventBridgeConfiguration").get("EventBridgeEnabled", True)
    if str(enabled).lower() == "true":
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}


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


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::S3::Bucket": ResourceType(
        _create_bucket,
        kept={
            "AccessControl": "buckets with object ownership enforced have no ACLs",
            "IntelligentTieringConfigurations": "moto moves no objects between tiers",
            "InventoryConfigurations": "moto writes no inventories",
            "LifecycleConfiguration.Rules.NewerNoncurrentVersions": "moto accepts it but does not store it",
            "LifecycleConfiguration.Rules.ObjectSizeGreaterThan": "moto accepts it but does not store it",
            "LifecycleConfiguration.Rules.ObjectSizeLessThan": "moto accepts it but does not store it",
            "MetricsConfigurations": "moto counts no requests",
            "ReplicationConfiguration": "local_cloud.replication copies objects, not moto",
            "LoggingConfiguration": "moto writes no access logs, and requires the policy of the target to exist first",
        },
    ),
    "AWS::S3::BucketPolicy": ResourceType(
        _create_bucket_policy,
        kept={"PolicyDocument": "statements with a condition, and denials of one principal, are left out"},
    ),
}

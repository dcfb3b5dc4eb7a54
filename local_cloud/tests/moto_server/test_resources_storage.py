import json
from typing import Any

import pytest

from local_cloud.deployer import DeploymentError
from moto_cloud import REGION, MotoCloud


def test_hardened_bucket_has_its_settings(cloud: MotoCloud) -> None:
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    all_blocked = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }

    bucket = cloud.create(
        "AWS::S3::Bucket",
        BucketEncryption={"ServerSideEncryptionConfiguration": [encryption]},
        VersioningConfiguration={"Status": "Enabled"},
        PublicAccessBlockConfiguration=all_blocked,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        LoggingConfiguration={"DestinationBucketName": "logs", "LogFilePrefix": "lake/"},
        Tags=[{"Key": "team", "Value": "shop"}],
    )

    s3, name = cloud.client("s3"), bucket.physical_id
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BucketKeyEnabled"] is True
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == all_blocked
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert ownership == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "shop"}]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == REGION
    assert bucket.properties["LoggingConfiguration"]["DestinationBucketName"] == "logs"
    assert bucket.attributes["Arn"] == f"arn:aws:s3:::{name}"
    assert name == name.lower()


def test_bucket_has_its_lifecycle_rules(cloud: MotoCloud) -> None:
    rules = [
        {
            "Id": "raw",
            "Status": "Enabled",
            "Prefix": "raw/",
            "ExpirationInDays": 90,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            "Transitions": [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 3}],
            "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 4}],
        },
        {
            "Id": "tagged",
            "Status": "Disabled",
            "Prefix": "x/",
            "ExpiredObjectDeleteMarker": True,
            "TagFilters": [{"Key": "a", "Value": "b"}],
        },
    ]

    bucket = cloud.create("AWS::S3::Bucket", LifecycleConfiguration={"Rules": rules})

    stored = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket.physical_id)["Rules"]
    assert stored == [
        {
            "ID": "raw",
            "Status": "Enabled",
            "Filter": {"Prefix": "raw/"},
            "Expiration": {"Days": 90},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            "Transitions": [{"StorageClass": "INTELLIGENT_TIERING", "Days": 3}],
            "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "NoncurrentDays": 4}],
        },
        {
            "ID": "tagged",
            "Status": "Disabled",
            "Filter": {"And": {"Prefix": "x/", "Tags": [{"Key": "a", "Value": "b"}]}},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
    ]


def test_bucket_events_are_sent_to_eventbridge(cloud: MotoCloud) -> None:
    enabled = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    target = {"Id": "Queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": enabled}},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": {"source": ["aws.s3"]}, "Targets": [target]},
        },
    }

    deployment = cloud.deploy_template({"Resources": resources})

    names = {resource.logical_id: resource.physical_id for resource in deployment.resources}
    cloud.client("s3").put_object(Bucket=names["Bucket"], Key="raw/1.json", Body=b"{}")
    (message,) = cloud.client("sqs").receive_message(QueueUrl=names["Queue"])["Messages"]
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "raw/1.json"


def test_other_bucket_notifications_are_refused(cloud: MotoCloud) -> None:
    destinations = [{"Event": "s3:ObjectCreated:*", "Function": "arn"}]

    with pytest.raises(DeploymentError, match=r"property NotificationConfiguration\.LambdaConfigurations"):
        cloud.create("AWS::S3::Bucket", NotificationConfiguration={"LambdaConfigurations": destinations})


def test_bucket_has_its_cors_rules(cloud: MotoCloud) -> None:
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 60, "ExposedHeaders": ["ETag"]}

    bucket = cloud.create("AWS::S3::Bucket", CorsConfiguration={"CorsRules": [rule]})

    (stored,) = cloud.client("s3").get_bucket_cors(Bucket=bucket.physical_id)["CORSRules"]
    assert (stored["MaxAgeSeconds"], stored["ExposeHeaders"]) == (60, ["ETag"])


def test_bucket_policy_of_a_hardened_bucket_permits_local_access(cloud: MotoCloud) -> None:
    def statement(effect: str, principal: Any, **more: Any) -> dict[str, Any]:
        resources = {"Fn::Sub": "${Bucket.Arn}/*"}
        return {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": resources, **more}

    secure = {"Bool": {"aws:SecureTransport": "false"}}
    from_lake = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::lake"}}
    statements = [
        statement("Deny", {"AWS": "*"}, Condition=secure),
        statement("Allow", {"Service": "logging.s3.amazonaws.com"}, Condition=from_lake),
        statement("Deny", {"AWS": "arn:aws:iam::111122223333:root"}),
    ]
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": statements}}

    deployment = cloud.deploy_template(
        {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket"},
                "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
            }
        }
    )

    bucket, kept_policy = deployment.resources
    cloud.client("s3").put_object(Bucket=bucket.physical_id, Key="a", Body=b"1")
    assert len(kept_policy.properties["PolicyDocument"]["Statement"]) == 3


def test_bucket_policy_that_denies_all_is_enforced(cloud: MotoCloud) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [deny]}}

    deployment = cloud.deploy_template(
        {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket"},
                "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
            }
        }
    )

    s3 = cloud.client("s3")
    name = deployment.resources[0].physical_id
    assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"] == [deny]
    with pytest.raises(s3.exceptions.ClientError, match="403"):
        s3.put_object(Bucket=name, Key="a", Body=b"1")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ({"ShardCount": 3}, ("PROVISIONED", 3)),
        ({"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}, ("ON_DEMAND", 4)),
    ],
)
def test_stream_has_its_mode_encryption_and_retention(
    cloud: MotoCloud, mode: dict[str, Any], expected: tuple[str, int]
) -> None:
    stream = cloud.create(
        "AWS::Kinesis::Stream",
        RetentionPeriodHours=48,
        StreamEncryption={"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
        Tags=[{"Key": "team", "Value": "shop"}],
        **mode,
    )

    kinesis = cloud.client("kinesis")
    summary = kinesis.describe_stream_summary(StreamName=stream.physical_id)["StreamDescriptionSummary"]
    assert (summary["StreamModeDetails"]["StreamMode"], summary["OpenShardCount"]) == expected
    assert (summary["EncryptionType"], summary["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert summary["RetentionPeriodHours"] == 48
    assert summary["StreamARN"] == stream.attributes["Arn"]
    assert kinesis.list_tags_for_stream(StreamName=stream.physical_id)["Tags"] == [{"Key": "team", "Value": "shop"}]

"""Resources of templates, and their settings as moto describes them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cloud.deployer import DeploymentError
from moto_cloud import REGION

CASES = yaml.safe_load(Path(__file__).with_name("resources.yaml").read_text())
KEYS: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "item_id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "item_id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case['type']}" for number, case in enumerate(CASES)])
def test_resource_has_its_settings(cloud, case):
    resources = {"Thing": {"Type": case["type"], "Properties": case["properties"]}, **case.get("more", {})}
    resources |= {"Other": case["other"]} if "other" in case else {}

    created = {each.logical_id: each for each in cloud.deploy_template({"Resources": resources}).resources}

    values = {"Ref": created["Thing"].physical_id, **created["Thing"].attributes}
    values |= {"Other": created["Other"].physical_id} if "other" in case else {}
    text = json.dumps(case["described"])
    for name, value in values.items():
        text = text.replace(f'"<{name}>"', json.dumps(value))
    for expected in json.loads(text):
        service, operation, arguments = expected.pop("call")
        response = getattr(cloud.client(service), operation)(**arguments)
        assert {path: found(path, response, value) for path, value in expected.items()} == expected


def found(path, value, expected):
    """Return the value at a path in a response.

    A string is parsed as JSON if the path continues into it, or if the expected value is an object.
    """
    for step in re.findall(r"\w+", path):
        document = json.loads(value) if isinstance(value, str) else value
        value = document[int(step)] if isinstance(document, list) else document.get(step)
    return json.loads(value) if isinstance(expected, dict) and isinstance(value, str) else value


@pytest.mark.parametrize(
    ("resource_type", "properties", "problem"),
    [
        (
            "AWS::Budgets::Budget",
            {
                "Budget": {
                    "BudgetLimit": {"Amount": 1, "Unit": "USD"},
                    "BudgetType": "COST",
                    "TimeUnit": "MONTHLY",
                    "AutoAdjustData": {},
                }
            },
            r"Budget\.AutoAdjustData",
        ),
        (
            "AWS::DynamoDB::GlobalTable",
            {**KEYS, "Replicas": [{"Region": "us-east-1"}]},
            "property Replicas: must include eu-west-1; there are",
        ),
        (
            "AWS::DynamoDB::GlobalTable",
            {**KEYS, "Replicas": [{"Region": REGION, "GlobalTableSettingsReplicationMode": "ALL"}]},
            r"property Replicas\[0\]\.GlobalTableSettingsReplicationMode",
        ),
        (
            "AWS::DynamoDB::GlobalTable",
            {
                **KEYS,
                "BillingMode": "PAY_PER_REQUEST",
                "Replicas": [{"Region": REGION}, {"Region": "us-east-1", "Colour": "red"}],
            },
            r"property Replicas\[1\]\.Colour",
        ),
        ("AWS::ApiGatewayV2::Api", {"Name": "shop", "ProtocolType": "HTTP", "Target": "arn:f"}, "property Target"),
        ("AWS::ApiGatewayV2::Api", {"ProtocolType": "HTTP"}, "property Name: is required"),
        ("AWS::Cognito::UserPool", {"LambdaConfig": {"PreSignUp": "arn:f"}}, "property LambdaConfig"),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": "x", "Policies": "[]"}, "property Policies"),
        ("AWS::Events::EventBus", {"Name": "orders", "LogConfig": {}}, "property LogConfig"),
        ("AWS::Route53::RecordSet", {"Name": "api.shop.example", "Colour": "red"}, "property Colour"),
        ("AWS::WAFv2::WebACL", {"Scope": "REGIONAL", "Colour": "red"}, "property Colour"),
        (
            "AWS::Logs::SubscriptionFilter",
            {"LogGroupName": "served", "FilterPattern": "[a, b]", "DestinationArn": "arn:x"},
            r"FilterPattern.*\[a, b\]",
        ),
        (
            "AWS::S3::Bucket",
            {"NotificationConfiguration": {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*"}]}},
            r"property NotificationConfiguration\.LambdaConfigurations",
        ),
    ],
)
def test_unsupported_property_is_refused(cloud, resource_type, properties, problem):
    with pytest.raises(DeploymentError, match=problem):
        cloud.create(resource_type, **properties)


@pytest.mark.parametrize(
    ("resource_type", "properties", "physical_id"),
    [
        ("AWS::ApiGateway::Stage", {"StageName": "v1", "RestApiId": "api"}, r"v1"),
        ("AWS::ApiGatewayV2::DomainName", {"DomainName": "api.shop.example"}, r"api\.shop\.example"),
        ("AWS::CertificateManager::Certificate", {"DomainName": "api.shop.example"}, r"arn:aws:acm:.*"),
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, r"vpc-[0-9a-f]{17}"),
        ("AWS::Route53::RecordSet", {"Name": "api.shop.example", "Type": "CNAME"}, r"api\.shop\.example"),
        ("AWS::WAFv2::WebACL", {"Name": "acl", "Scope": "CLOUDFRONT"}, r"acl\|[0-9a-f]{32}\|CLOUDFRONT"),
    ],
)
def test_resource_without_effect_has_an_id(cloud, resource_type, properties, physical_id):
    assert re.fullmatch(physical_id, cloud.create(resource_type, **properties).physical_id)


def test_web_acl_has_the_arn_of_its_scope(cloud):
    acls = [cloud.create("AWS::WAFv2::WebACL", Scope=scope) for scope in ("CLOUDFRONT", "REGIONAL")]

    assert [":global/webacl/" in acl.attributes["Arn"] for acl in acls] == [True, False]
    assert all(acl.attributes["Arn"].endswith(f"/{acl.attributes['Id']}") for acl in acls)


def bucket_with(cloud, resource_type, **properties):
    """Deploy a bucket that sends events to EventBridge, a queue and another resource. Return the bucket's name."""
    enabled = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": enabled}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "uploads"}},
        "Thing": {"Type": resource_type, "Properties": properties},
    }
    (bucket,) = cloud.deploy_template({"Resources": resources}).of_type("AWS::S3::Bucket")
    return bucket.physical_id


def test_bucket_events_are_sent_to_eventbridge(cloud):
    target = {"Id": "Queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}
    bucket = bucket_with(cloud, "AWS::Events::Rule", EventPattern={"source": ["aws.s3"]}, Targets=[target])

    cloud.client("s3").put_object(Bucket=bucket, Key="raw/1.json", Body=b"{}")

    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="uploads")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "raw/1.json"


def test_bucket_policy_of_a_hardened_bucket_permits_local_access(cloud):
    def statement(effect, principal, **more):
        resources = {"Fn::Sub": "${Bucket.Arn}/*"}
        return {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": resources, **more}

    statements = [
        statement("Deny", {"AWS": "*"}, Condition={"Bool": {"aws:SecureTransport": "false"}}),
        statement("Allow", {"Service": "logging.s3.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": "x"}}),
        statement("Deny", {"AWS": "arn:aws:iam::111122223333:root"}),
    ]
    bucket = bucket_with(
        cloud, "AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument={"Statement": statements}
    )

    cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")


def test_bucket_policy_that_denies_all_is_enforced(cloud):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}
    bucket = bucket_with(cloud, "AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument={"Statement": [deny]})
    s3 = cloud.client("s3")

    with pytest.raises(s3.exceptions.ClientError, match="403"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"1")

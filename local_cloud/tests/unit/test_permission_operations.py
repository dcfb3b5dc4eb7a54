"""Permissions that requests require, by operation."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from local_cloud.permissions.operations import (
    OPERATIONS,
    Place,
    UnknownOperationError,
    attributes_of,
    need_of_absence,
    needs,
)

PLACE = Place(region="eu-west-1", account="111122223333")
DYNAMODB = "arn:aws:dynamodb:eu-west-1:111122223333:table"
SAGEMAKER = "arn:aws:sagemaker:eu-west-1:111122223333"
ROLE = "arn:aws:iam::111122223333:role/training"


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("s3:GetObject", {"Bucket": "b", "Key": "a/b"}, ["s3:GetObject arn:aws:s3:::b/a/b"]),
        ("s3:HeadObject", {"Bucket": "b", "Key": "k", "VersionId": "1"}, ["s3:GetObjectVersion arn:aws:s3:::b/k"]),
        ("s3:ListObjectsV2", {"Bucket": "b", "Prefix": "a"}, ["s3:ListBucket arn:aws:s3:::b"]),
        ("s3:ListObjectVersions", {"Bucket": "b"}, ["s3:ListBucketVersions arn:aws:s3:::b"]),
        ("s3:ListParts", {"Bucket": "b", "Key": "k"}, ["s3:ListMultipartUploadParts arn:aws:s3:::b/k"]),
        ("s3:DeleteObject", {"Bucket": "b", "Key": "k"}, ["s3:DeleteObject arn:aws:s3:::b/k"]),
        ("s3:UploadPart", {"Bucket": "b", "Key": "k"}, ["s3:PutObject arn:aws:s3:::b/k"]),
        ("s3:AbortMultipartUpload", {"Bucket": "b", "Key": "k"}, ["s3:AbortMultipartUpload arn:aws:s3:::b/k"]),
        (
            "s3:PutObject",
            {"Bucket": "b", "Key": "k", "IfMatch": "e", "Tagging": "a=b"},
            ["s3:PutObject arn:aws:s3:::b/k", "s3:PutObjectTagging arn:aws:s3:::b/k", "s3:GetObject arn:aws:s3:::b/k"],
        ),
        (
            "s3:CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "/c/d%20e?versionId=1"},
            ["s3:GetObjectVersion arn:aws:s3:::c/d e", "s3:PutObject arn:aws:s3:::b/k"],
        ),
        (
            "s3:CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "c", "Key": "d"}},
            ["s3:GetObject arn:aws:s3:::c/d", "s3:PutObject arn:aws:s3:::b/k"],
        ),
        (
            "s3:DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y", "VersionId": "1"}]}},
            ["s3:DeleteObject arn:aws:s3:::b/x", "s3:DeleteObjectVersion arn:aws:s3:::b/y"],
        ),
        ("dynamodb:GetItem", {"TableName": "t"}, ["dynamodb:GetItem arn:aws:dynamodb:*:table/t"]),
        ("dynamodb:GetItem", {"TableName": f"{DYNAMODB}/t"}, ["dynamodb:GetItem arn:aws:dynamodb:*:table/t"]),
        ("dynamodb:Query", {"TableName": "t", "IndexName": "i"}, ["dynamodb:Query arn:aws:dynamodb:*:table/t/index/i"]),
        (
            "dynamodb:BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": {}}}], "u": [{"DeleteRequest": {"Key": {}}}]}},
            [
                "dynamodb:BatchWriteItem arn:aws:dynamodb:*:table/t",
                "dynamodb:BatchWriteItem arn:aws:dynamodb:*:table/u",
            ],
        ),
        (
            "dynamodb:TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "u"}}]},
            ["dynamodb:PutItem arn:aws:dynamodb:*:table/t", "dynamodb:ConditionCheckItem arn:aws:dynamodb:*:table/u"],
        ),
        ("dynamodb:ListStreams", {}, ["dynamodb:ListStreams *"]),
        ("kinesis:PutRecords", {"StreamName": "s"}, ["kinesis:PutRecords arn:aws:kinesis:*:stream/s"]),
        ("kinesis:PutRecords", {"StreamARN": "arn:s"}, ["kinesis:PutRecords arn:s"]),
        ("lambda:Invoke", {"FunctionName": "f"}, ["lambda:InvokeFunction arn:aws:lambda:*:function:f"]),
        (
            "lambda:Invoke",
            {"FunctionName": "f", "Qualifier": "live"},
            ["lambda:InvokeFunction arn:aws:lambda:*:function:f:live"],
        ),
        (
            "lambda:Invoke",
            {"FunctionName": "arn:aws:lambda:r:a:function:f:live", "Qualifier": "live"},
            ["lambda:InvokeFunction arn:aws:lambda:r:a:function:f:live"],
        ),
        ("kms:Decrypt", {"KeyId": "k"}, ["kms:Decrypt arn:aws:kms:*:key/k"]),
        ("kms:Decrypt", {"CiphertextBlob": b"k" * 36 + b"c"}, [f"kms:Decrypt arn:aws:kms:*:key/{'k' * 36}"]),
        ("kms:Decrypt", {"CiphertextBlob": "a2tr" * 12 + "Yw=="}, [f"kms:Decrypt arn:aws:kms:*:key/{'k' * 36}"]),
        ("sns:Publish", {"TopicArn": "arn:t"}, ["sns:Publish arn:t"]),
        ("ssm:GetParameter", {"Name": "/a/b"}, ["ssm:GetParameter arn:aws:ssm:*:parameter/a/b"]),
        (
            "secretsmanager:GetSecretValue",
            {"SecretId": "s"},
            ["secretsmanager:GetSecretValue arn:aws:secretsmanager:*:secret:s-??????"],
        ),
        ("states:StartExecution", {"stateMachineArn": "arn:m"}, ["states:StartExecution arn:m"]),
        ("glue:StartJobRun", {"JobName": "j"}, ["glue:StartJobRun arn:aws:glue:*:job/j"]),
        (
            "cloudformation:GetTemplate",
            {"StackName": "s"},
            ["cloudformation:GetTemplate arn:aws:cloudformation:*:stack/s/id"],
        ),
        (
            "logs:GetLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            ["logs:GetLogEvents arn:aws:logs:*:log-group:/g:log-stream:s"],
        ),
        ("logs:DescribeLogStreams", {"logGroupName": "/g"}, ["logs:DescribeLogStreams arn:aws:logs:*:log-group:/g:*"]),
        ("sqs:SendMessage", {"QueueUrl": "http://h/1/q"}, ["sqs:SendMessage arn:aws:sqs:*:q"]),
        ("cloudwatch:GetMetricData", {}, ["cloudwatch:GetMetricData *"]),
        ("sts:GetCallerIdentity", {}, []),
    ],
)
def test_request_needs_actions_on_its_resources(operation, parameters, expected):
    found = [f"{need.action} {need.resource}" for need in needs(operation, parameters, PLACE)]

    assert found == [each.replace(":*:", f":{PLACE.region}:{PLACE.account}:") for each in expected]


def test_training_job_needs_permission_to_pass_its_role_to_sagemaker():
    request = {"TrainingJobName": "j", "RoleArn": ROLE, "Tags": [{"Key": "a", "Value": "b"}]}

    created, tagged, passed = needs("sagemaker:CreateTrainingJob", request, PLACE)

    assert (created.action, created.resource) == ("sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/j")
    assert (tagged.action, tagged.resource) == ("sagemaker:AddTags", f"{SAGEMAKER}:training-job/j")
    assert (passed.action, passed.resource) == ("iam:PassRole", ROLE)
    assert passed.context() == {"iam:PassedToService": ("sagemaker.amazonaws.com",)}


def test_metrics_request_has_its_namespace_as_context():
    (need,) = needs("cloudwatch:PutMetricData", {"Namespace": "Own"}, PLACE)

    assert need.context() == {"cloudwatch:namespace": ("Own",)}


@pytest.mark.parametrize(
    ("request_", "attributes"),
    [
        ({"Key": {"a": {}}, "ProjectionExpression": "b, c.d, e[0].f"}, "abce"),
        ({"UpdateExpression": "SET #x = if_not_exists(b, :c) + :d REMOVE e ADD f :g", "Key": {}}, "xbef"),
        ({"ConditionExpression": "attribute_not_exists(a) OR (b <> :c AND size (d) > :e)", "Item": {"f": {}}}, "abdf"),
        ({"KeyConditionExpression": "a = :b AND begins_with(c, :d)", "FilterExpression": "e IN (:f)"}, "ace"),
        ({"ProjectionExpression": "#x.#y", "ExpressionAttributeNames": {"#x": "a", "#y": "b"}}, "a"),
        ({"Keys": [{"a": {}}, {"b": {}}], "AttributesToGet": ["c"]}, "abc"),
        ({}, ""),
    ],
)
def test_attribute_context_has_the_attributes_of_the_request(request_, attributes):
    assert attributes_of({"ExpressionAttributeNames": {"#x": "x"}} | dict(request_)) == set(attributes)


def test_batch_request_has_the_attributes_of_each_table():
    writes: dict[str, Any] = {"t": [{"PutRequest": {"Item": {"a": {}}}}], "u": [{"DeleteRequest": {"Key": {"b": {}}}}]}

    found = needs("dynamodb:BatchWriteItem", {"RequestItems": writes}, PLACE)

    assert [need.context()["dynamodb:Attributes"] for need in found] == [{"a"}, {"b"}]


def test_missing_object_needs_permission_to_list_the_bucket():
    absent = need_of_absence("s3:GetObject", {"Bucket": "b", "Key": "k"})

    assert absent is not None
    assert (absent.action, absent.resource) == ("s3:ListBucket", "arn:aws:s3:::b")
    assert need_of_absence("s3:PutObject", {"Bucket": "b", "Key": "k"}) is None


def test_unknown_operation_is_an_error():
    with pytest.raises(UnknownOperationError, match="s3:PutBucketPolicy"):
        needs("s3:PutBucketPolicy", {"Bucket": "b"}, PLACE)


@pytest.mark.parametrize("operation", ["states:StartExecution", "sagemaker:CreateModelPackage", "sns:Publish"])
def test_request_without_its_resource_cannot_be_read(operation):
    with pytest.raises(LookupError):
        needs(operation, {}, PLACE)


def test_iam_actions_of_the_table_exist():
    """The test reads parliament's data file, because an import of parliament would need setuptools."""
    spec = importlib.util.find_spec("parliament")
    assert spec is not None
    assert spec.origin is not None
    services = json.loads(Path(spec.origin).with_name("iam_definition.json").read_bytes())
    known = {f"{service['prefix']}:{each['privilege']}" for service in services for each in service["privileges"]}
    same_name = {operation for operation in OPERATIONS if not operation.startswith(("s3:", "sts:"))}
    same_name -= {"lambda:Invoke", "dynamodb:TransactGetItems", "dynamodb:TransactWriteItems"}

    assert same_name - known == set()

"""Limits of S3 and DynamoDB in memory. A test of the product reaches them only if the product makes a mistake."""

import contextlib

import pytest
from botocore.exceptions import ClientError

from tests.fakes.cloud import ON_MOTO
from tests.fakes.places import BUCKET, TABLE, create_table

pytestmark = pytest.mark.skipif(ON_MOTO, reason="moto accepts most of these requests")

KEY = {"id": {"S": "ann"}}
VALUE = {":v": {"N": "1"}}
CONTENT_BYTES = 400 * 1024 - 6  # names and values count: id, ann and a


@pytest.fixture
def dynamodb(aws):
    create_table(aws("dynamodb"), TABLE, key="id")
    return aws("dynamodb")


def keys(count):
    return [{"id": {"S": f"{number}"}} for number in range(count)]


def puts(*items):
    return {"RequestItems": {TABLE: [{"PutRequest": {"Item": item}} for item in items]}}


def condition(expression):
    return {"TableName": TABLE, "Key": KEY, "ConditionExpression": expression, "ExpressionAttributeValues": VALUE}


def update(expression, **options):
    return {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": expression,
        "ExpressionAttributeValues": VALUE,
        **options,
    }


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        *(("get_item", {"TableName": TABLE, "Key": key}) for key in ({}, {"b": {"S": "b"}}, {**KEY, "b": {"S": "b"}})),
        ("get_item", {"TableName": TABLE, "Key": {"id": {"N": "1"}}}),
        ("put_item", {"TableName": TABLE, "Item": {"a": {"S": "b"}}}),
        ("put_item", {"TableName": TABLE, "Item": {"id": {"S": ""}}}),
        ("put_item", {"TableName": TABLE, "Item": {**KEY, "a": {"B": b"x" * (CONTENT_BYTES + 1)}}}),
        ("batch_get_item", {"RequestItems": {TABLE: {"Keys": keys(101)}}}),
        ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [KEY, KEY]}}}),
        ("batch_write_item", puts(*keys(26))),
        ("batch_write_item", puts(KEY, KEY)),
        ("delete_item", condition("n = :absent")),
        ("delete_item", condition("#absent = :v")),
        ("delete_item", condition("n = ")),
        ("delete_item", condition("n :v")),
        ("delete_item", condition("(n = :v")),
        ("delete_item", condition("unknown(n)")),
        ("delete_item", condition("n = :v AND")),
        ("delete_item", condition("attribute_exists(n, :v)")),
        ("update_item", update("SET a = :v", ExpressionAttributeNames={"#unused": "b"})),
        ("update_item", update("REMOVE a")),  # does not use the value
        ("update_item", update("SET id = :v")),
        ("update_item", update("SET b = absent, a = :v")),
        ("update_item", update("SET a = :v, a = :v")),
        ("update_item", update("SET x.y = :v")),
    ],
)
def test_invalid_request_to_dynamodb_is_rejected(dynamodb, operation, request_):
    dynamodb.put_item(TableName=TABLE, Item=KEY)

    with pytest.raises(ClientError, match="ValidationException"):
        getattr(dynamodb, operation)(**request_)

    assert dynamodb.scan(TableName=TABLE)["Items"] == [KEY]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("attribute_exists(n)", True),
        ("attribute_exists(absent)", False),
        ("attribute_not_exists(n)", False),
        ("n = :one", True),
        ("n = :two", False),
        ("n = :text", False),
        ("absent = :one", False),
        ("n < :two", True),
        ("n < :one", False),
        ("n <= :one", True),
        ("n > :one", False),
        ("n >= :two", False),
        ("n BETWEEN :one AND :two", True),
        ("n BETWEEN :two AND :ten", False),
        ("n = :two OR n = :one AND n < :ten", True),  # AND binds more strongly
        ("n = :one AND n = :two", False),
    ],
)
def test_condition_is_evaluated(dynamodb, expression, holds):
    values = {":one": {"N": "1"}, ":two": {"N": "2"}, ":ten": {"N": "10"}, ":text": {"S": "1"}}
    used = {name: value for name, value in values.items() if name in expression}
    dynamodb.put_item(TableName=TABLE, Item={**KEY, "n": {"N": "1.0"}})

    request = {"TableName": TABLE, "Key": KEY, "ConditionExpression": expression}
    if used:
        request["ExpressionAttributeValues"] = used
    with contextlib.nullcontext() if holds else pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.delete_item(**request)


def test_item_of_400_kb_is_stored(dynamodb):
    dynamodb.put_item(TableName=TABLE, Item={**KEY, "a": {"B": b"x" * CONTENT_BYTES}})

    assert dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"]["a"] == {"B": b"x" * CONTENT_BYTES}


def test_page_of_a_scan_ends_at_one_megabyte(dynamodb):
    for number in range(4):
        dynamodb.put_item(TableName=TABLE, Item={"id": {"S": f"{number}"}, "data": {"B": b"x" * 390_000}})

    page = dynamodb.scan(TableName=TABLE)
    rest = dynamodb.scan(TableName=TABLE, ExclusiveStartKey=page["LastEvaluatedKey"])

    assert (len(page["Items"]), len(rest["Items"])) == (3, 1)


def test_page_of_a_listing_has_at_most_1000_objects(s3):
    for number in range(1001):
        s3.put_object(Bucket=BUCKET, Key=f"{number:04}", Body=b"")

    page = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=5000)
    rest = s3.list_objects_v2(Bucket=BUCKET, ContinuationToken=page["NextContinuationToken"])

    assert (page["KeyCount"], rest["KeyCount"]) == (1000, 1)


def test_small_part_other_than_the_last_is_rejected(s3):
    upload = {"Bucket": BUCKET, "Key": "a"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=b"x")["ETag"]}
        for number in (1, 2)
    ]

    with pytest.raises(ClientError, match="EntityTooSmall"):
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("get_object", {"Bucket": "absent", "Key": "a"}, "NoSuchBucket"),
        ("put_object", {"Bucket": "absent", "Key": "a", "Body": b""}, "NoSuchBucket"),
        ("list_objects_v2", {"Bucket": "absent"}, "NoSuchBucket"),
        ("delete_bucket", {"Bucket": BUCKET}, "BucketNotEmpty"),
        ("delete_objects", {"Bucket": BUCKET, "Delete": {"Objects": [{"Key": "a"}] * 1001}}, "MalformedXML"),
        ("get_object", {"Bucket": BUCKET, "Key": "a", "Range": "bytes=4-"}, "InvalidRange"),
    ],
)
def test_invalid_request_to_s3_is_rejected(s3, operation, request_, code):
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"pear")

    with pytest.raises(ClientError, match=code):
        getattr(s3, operation)(**request_)

    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"pear"


def test_parameter_without_an_implementation_fails_the_test(s3):
    with pytest.raises(NotImplementedError, match="StorageClass"):
        s3.put_object(Bucket=BUCKET, Key="a", Body=b"", StorageClass="GLACIER")

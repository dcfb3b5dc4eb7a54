"""Permissions on the keys of encrypted resources."""

import pytest

from local_cloud.deployment import Deployment, Resource
from local_cloud.permissions.check import PermissionCheck
from local_cloud.permissions.encryption import Encryption
from local_cloud.permissions.operations import Place, needs
from local_cloud.permissions.policy import Need

PLACE = Place(region="eu-west-1", account="123456789012")
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/users"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf"
ROLE = "arn:aws:iam::123456789012:role/reader"


def resource(kind, name, arn, **properties):
    return Resource("shop", name, f"AWS::{kind}", name, {"Arn": arn}, properties)


def bucket(name, **default):
    rules = [{"ServerSideEncryptionByDefault": default}]
    encryption = {"ServerSideEncryptionConfiguration": rules}
    return resource("S3::Bucket", name, f"arn:aws:s3:::{name}", BucketEncryption=encryption)


RESOURCES = (
    bucket("lake", SSEAlgorithm="aws:kms", KMSMasterKeyID=KEY),
    bucket("pages", SSEAlgorithm="AES256"),
    bucket("aliased", SSEAlgorithm="aws:kms", KMSMasterKeyID="alias/aws/s3"),
    resource("DynamoDB::GlobalTable", "users", TABLE, Replicas=[{"SSESpecification": {"KMSMasterKeyId": KEY}}]),
    resource("Kinesis::Stream", "events", STREAM, StreamEncryption={"EncryptionType": "KMS", "KeyId": KEY}),
    resource("SecretsManager::Secret", SECRET, SECRET, KmsKeyId=KEY),
)
DEPLOYMENT = Deployment(resources=RESOURCES, outputs={})


@pytest.mark.parametrize(
    ("action", "on", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::lake/a/b", ("kms:Decrypt", "s3")),
        ("s3:PutObject", "arn:aws:s3:::lake/a/b", ("kms:GenerateDataKey", "s3")),
        ("dynamodb:GetItem", TABLE, ("kms:Decrypt", "dynamodb")),
        ("dynamodb:Query", f"{TABLE}/index/age", ("kms:Decrypt", "dynamodb")),
        ("dynamodb:GetRecords", f"{TABLE}/stream/2026", ("kms:Decrypt", "dynamodb")),
        ("kinesis:PutRecords", STREAM, ("kms:GenerateDataKey", "kinesis")),
        ("secretsmanager:GetSecretValue", SECRET, ("kms:Decrypt", "secretsmanager")),
        ("secretsmanager:GetSecretValue", f"{SECRET[:-6]}??????", ("kms:Decrypt", "secretsmanager")),
    ],
)
def test_encrypted_resource_needs_its_key(action, on, expected):
    (need,) = Encryption(DEPLOYMENT, PLACE).needs(Need(action, on))

    assert (need.action, need.resource) == (expected[0], KEY)
    assert need.context() == {"kms:ViaService": (f"{expected[1]}.eu-west-1.amazonaws.com",)}


@pytest.mark.parametrize(
    ("action", "on"),
    [
        ("s3:ListBucket", "arn:aws:s3:::lake"),
        ("s3:DeleteObject", "arn:aws:s3:::lake/a"),
        ("s3:GetObject", "arn:aws:s3:::pages/a"),
        ("s3:GetObject", "arn:aws:s3:::aliased/a"),
        ("s3:GetObject", "arn:aws:s3:::other/a"),
        ("dynamodb:ListStreams", "*"),
    ],
)
def test_other_permission_needs_no_key(action, on):
    assert list(Encryption(DEPLOYMENT, PLACE).needs(Need(action, on))) == []


def test_key_of_the_template_is_found_by_its_id():
    key = resource("KMS::Key", "1234-abcd", KEY)
    lake = bucket("lake", SSEAlgorithm="aws:kms", KMSMasterKeyID="1234-abcd")

    (need,) = Encryption(Deployment(resources=(key, lake), outputs={}), PLACE).needs(
        Need("s3:GetObject", "arn:aws:s3:::lake/a")
    )

    assert need.resource == KEY


def statement(action, on, **condition):
    return {"Effect": "Allow", "Action": action, "Resource": on, **condition}


@pytest.mark.parametrize(
    ("on_key", "refused"),
    [
        ((), "kms:Decrypt"),
        ((statement("kms:GenerateDataKey", KEY),), "kms:Decrypt"),
        ((statement("kms:Decrypt", f"{KEY}2"),), "kms:Decrypt"),
        ((statement("kms:Decrypt", KEY),), None),
        ((statement("kms:Decrypt", KEY, Condition=via) for via in [{"StringEquals": {"kms:ViaService": "s3.x"}}]),
         "kms:Decrypt"),
        ((statement("kms:Decrypt", KEY, Condition=via)
          for via in [{"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}]), None),
    ],
)  # fmt: skip
def test_read_of_an_encrypted_table_needs_the_grant_on_its_key(on_key, refused):
    policy = {"PolicyDocument": {"Statement": [statement("dynamodb:GetItem", TABLE), *on_key]}}
    role = resource("IAM::Role", "reader", ROLE, Policies=[policy])
    check = PermissionCheck("enforce", PLACE, report=lambda _: None)
    check.learn(Deployment(resources=(*RESOURCES, role), outputs={}))

    refusal = check.decide(ROLE, needs("dynamodb:GetItem", {"TableName": "users", "Key": {}}, PLACE))

    assert (refusal is None) if refused is None else (refusal is not None and f"perform: {refused} on" in refusal)


def test_training_job_with_an_encrypted_volume_needs_a_grant():
    request = {"TrainingJobName": "j", "RoleArn": ROLE, "ResourceConfig": {"VolumeKmsKeyId": KEY}}

    _, grant, _ = needs("sagemaker:CreateTrainingJob", request, PLACE)

    assert (grant.action, grant.resource) == ("kms:CreateGrant", KEY)
    assert grant.context() == {"kms:ViaService": ("sagemaker.eu-west-1.amazonaws.com",)}

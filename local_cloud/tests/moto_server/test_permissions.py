"""Requests of a role on the embedded cloud's endpoint."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.deployment import Deployment, DeploymentError, Resource
from local_cloud.moto_server import MotoServer
from local_cloud.permissions.check import PermissionCheck
from local_cloud.permissions.operations import Place

ACCOUNT, REGION = "123456789012", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/users"
ITEM = {"user_id": {"S": "anna"}, "age": {"N": "7"}}


def _allow(actions, resources, **elements):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **elements}


@dataclass
class Endpoint:
    server: MotoServer
    check: PermissionCheck
    reports: list[str] = field(default_factory=list)

    def client(self, service: str, *, access_key: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.server.server_port}",
            region_name=REGION,
            aws_access_key_id=access_key or self.check.access_key(ROLE, "read"),
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )


def _deployment(*statements):
    role = Resource(
        stack="shop",
        logical_id="Role",
        type="AWS::IAM::Role",
        physical_id="reader",
        attributes={"Arn": ROLE},
        properties={"Policies": [{"PolicyDocument": {"Statement": list(statements[:1])}}]},
    )
    policy = Resource(
        stack="shop",
        logical_id="Policy",
        type="AWS::IAM::Policy",
        physical_id="more",
        attributes={},
        properties={"Roles": ["reader"], "PolicyDocument": {"Statement": list(statements[1:])}},
    )
    return Deployment(resources=(role, policy), outputs={})


@contextmanager
def _endpoint(*statements, mode="enforce"):
    reports: list[str] = []
    check = PermissionCheck(mode, Place(region=REGION, account=ACCOUNT), report=reports.append)
    check.learn(_deployment(*statements))
    server = MotoServer(check=check.begin)
    try:
        yield Endpoint(server, check, reports)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def _table():
    """Create the table and the bucket in moto, which all servers of this process share."""
    with _endpoint() as endpoint:
        dynamodb = endpoint.client("dynamodb", access_key="local")
        dynamodb.create_table(
            TableName="users",
            KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "user_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        endpoint.client("s3", access_key="local").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield
        dynamodb.delete_table(TableName="users")
        endpoint.client("s3", access_key="local").delete_bucket(Bucket="lake")


pytestmark = pytest.mark.usefixtures("_table")


def _get(endpoint):
    return endpoint.client("dynamodb").get_item(TableName="users", Key={"user_id": {"S": "anna"}})


def _batch(endpoint):
    return endpoint.client("dynamodb").batch_write_item(RequestItems={"users": [{"PutRequest": {"Item": ITEM}}]})


def _metric(endpoint):
    return endpoint.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 1}])


GRANTED = [
    _allow(["dynamodb:GetItem", "dynamodb:BatchWriteItem"], TABLE),
    _allow("cloudwatch:PutMetricData", "*", Condition={"StringEquals": {"cloudwatch:namespace": "Own"}}),
]


@pytest.mark.parametrize("call", [_get, _batch, _metric])
def test_granted_request_is_answered(call):
    with _endpoint(*GRANTED) as endpoint:
        call(endpoint)

        assert endpoint.check.refused() == {}


def _deny(actions, resources):
    return _allow(actions, resources) | {"Effect": "Deny"}


READ, NO_POLICY = f"dynamodb:GetItem on resource: {TABLE}", "no identity-based policy"
IN_OTHER = _allow("cloudwatch:PutMetricData", "*", Condition={"StringEquals": {"cloudwatch:namespace": "Other"}})
ONLY_KEYS = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["user_id"]}}


@pytest.mark.parametrize(
    ("call", "statements", "refused_for", "reason"),
    [
        (_get, [_allow("dynamodb:Query", TABLE)], READ, NO_POLICY),
        (_get, [_allow("dynamodb:GetItem", f"{TABLE}-2")], READ, NO_POLICY),
        (_get, [*GRANTED, _deny("dynamodb:GetItem", "*")], READ, "explicit deny"),
        (_metric, [IN_OTHER], "cloudwatch:PutMetricData", NO_POLICY),
        (_batch, [_allow("dynamodb:BatchWriteItem", TABLE, Condition=ONLY_KEYS)], "dynamodb:BatchWriteItem", NO_POLICY),
    ],
    ids=["action", "ARN", "deny", "condition", "attribute"],
)
def test_request_without_permission_is_refused(call, statements, refused_for, reason):
    with _endpoint(*statements) as endpoint:
        with pytest.raises(ClientError) as refused:
            call(endpoint)

        error = refused.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert f"assumed-role/reader/read is not authorized to perform: {refused_for}" in error["Message"]
        assert reason in error["Message"]
        assert endpoint.reports == [f"permissions (enforce): {error['Message']}"]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("s3", "put_object", {"Bucket": "lake", "Key": "k", "Body": b"x"}, "AccessDenied"),
        ("s3", "head_object", {"Bucket": "lake", "Key": "k"}, "403"),
        ("lambda", "invoke", {"FunctionName": "f"}, "AccessDeniedException"),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "m"}, "AuthorizationError"),
        ("cloudformation", "get_template", {"StackName": "s"}, "AccessDenied"),
        ("secretsmanager", "get_secret_value", {"SecretId": "s"}, "AccessDeniedException"),
        ("s3", "put_bucket_policy", {"Bucket": "lake", "Policy": "{}"}, "AccessDenied"),
    ],
)
def test_refusal_has_the_protocol_of_its_service(service, operation, parameters, code):
    with _endpoint() as endpoint, pytest.raises(ClientError) as refused:
        getattr(endpoint.client(service), operation)(**parameters)

    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["RequestId"]


def test_missing_object_is_refused_without_permission_to_list():
    statement = _allow("s3:GetObject", "arn:aws:s3:::lake/*")
    with _endpoint(statement) as endpoint, pytest.raises(ClientError) as refused:
        endpoint.client("s3").get_object(Bucket="lake", Key="none")
    with (
        _endpoint(statement, _allow("s3:ListBucket", "arn:aws:s3:::lake")) as endpoint,
        pytest.raises(ClientError) as missing,
    ):
        endpoint.client("s3").get_object(Bucket="lake", Key="none")

    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert missing.value.response["Error"]["Code"] == "NoSuchKey"


def test_request_with_unreadable_parameters_is_refused():
    with _endpoint(*GRANTED) as endpoint:
        dynamodb = endpoint.client("dynamodb")
        dynamodb.meta.events.register("before-call", lambda params, **_: params.update(body=b"[]"))
        with pytest.raises(ClientError) as refused:
            dynamodb.list_tables()

    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_warned_request_is_answered_and_reported_once():
    with _endpoint(mode="warn") as endpoint:
        _get(endpoint)
        _get(endpoint)

        assert list(endpoint.check.refused().values()) == [2]
        assert len(endpoint.reports) == 1


@pytest.mark.parametrize("access_key", ["local", "ASIAABCDEFGHIJKLMNOP"])
def test_request_of_no_role_may_do_everything(access_key):
    with _endpoint() as endpoint:
        endpoint.client("dynamodb", access_key=access_key).describe_table(TableName="users")

        assert endpoint.check.refused() == {}


def test_switched_off_check_decides_nothing():
    undecidable = _allow("s3:GetObject", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    with _endpoint(undecidable, mode="off") as endpoint:
        assert endpoint.check.access_key(ROLE, "read") == "local"
        _get(endpoint)


def test_undecidable_policy_fails_the_deployment():
    undecidable = _allow("s3:GetObject", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})

    with pytest.raises(DeploymentError, match=r"Role \(AWS::IAM::Role\).*aws:SecureTransport"), _endpoint(undecidable):
        pass


def test_grants_state_their_use():
    with _endpoint(*GRANTED) as endpoint:
        _get(endpoint)

        assert {grant["action"]: grant["used"] for grant in endpoint.check.grants()} == {
            "dynamodb:GetItem": True,
            "dynamodb:BatchWriteItem": False,
            "cloudwatch:PutMetricData": False,
        }
        assert {grant["role"] for grant in endpoint.check.grants()} == {"shop/Role"}


STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/events"
LAMBDA_CALLS = [
    _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/own:*"),
    _allow(
        [
            f"kinesis:{action}"
            for action in ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
        ],
        STREAM,
    ),
    _allow("s3:PutObject", "arn:aws:s3:::lake/*"),
    _allow("s3:ListBucket", "arn:aws:s3:::lake"),
    _allow("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters"),
]


def _consumer(*statements):
    def resource(kind, **properties):
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:consume"
        return Resource("shop", kind, f"AWS::Lambda::{kind}", "consume", {"Arn": arn}, properties)

    added = (
        resource(
            "Function",
            Role=ROLE,
            LoggingConfig={"LogGroup": "/own"},
            DeadLetterConfig={"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters"},
        ),
        resource(
            "EventSourceMapping",
            FunctionName=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:consume:live",
            EventSourceArn=STREAM,
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::lake"}},
        ),
    )
    return Deployment(resources=(*_deployment(*statements).resources, *added), outputs={})


def _check():
    return PermissionCheck("enforce", Place(region=REGION, account=ACCOUNT), report=lambda _: None)


def test_permissions_of_lambda_are_used_by_the_deployment():
    check = _check()

    check.learn(_consumer(*LAMBDA_CALLS))

    assert all(grant["used"] for grant in check.grants())


@pytest.mark.parametrize("missing", range(len(LAMBDA_CALLS)))
def test_lambda_without_a_permission_fails_the_deployment(missing):
    statements = LAMBDA_CALLS[:missing] + LAMBDA_CALLS[missing + 1 :]

    with pytest.raises(DeploymentError, match="is not authorized to perform"):
        _check().learn(_consumer(*statements))


def test_unknown_policy_of_aws_fails_the_deployment():
    role = Resource(
        "shop", "Role", "AWS::IAM::Role", "r", {"Arn": ROLE}, {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/X"]}
    )

    with pytest.raises(DeploymentError, match="policy/X of AWS"):
        _check().learn(Deployment(resources=(role,), outputs={}))

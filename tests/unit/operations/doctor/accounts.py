"""Simulated AWS accounts.

Clients have prepared responses, which botocore validates against the service's model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.validate import validate_parameters

from operations.cost.resources import BilledResources, Function, Stream, Training
from operations.doctor import Needs
from operations.doctor.requirements import KafkaCluster

ACCOUNT, REGION = "123456789012", "eu-west-1"
LAYER = f"arn:aws:lambda:{REGION}:336392948345:layer:AWSSDKPandas-Python313-Arm64:1"
LAYER_PARAMETER = "/aws/service/aws-sdk-pandas/3.17.1/py3.13/arm64/layer-arn"
CLUSTER = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/shop/2a3b-5"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:AmazonMSK_shop-a1b2c3"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234-abcd"
IMAGE = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/pytorch-training:2.9.0"
ZONE = "Z0123456789ABC"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
MAPPING = "91b2a7f0-3c5d-4c1e-9a58-0d3a5e1f7c24"
DATA, KAFKA = "alsolike-shop-data", "alsolike-shop-kafka"
NEEDS = Needs(
    account=ACCOUNT,
    stacks=(DATA, KAFKA),
    resources=BilledResources(
        environment="shop",
        region=REGION,
        functions={"recommend": Function(memory_mb=3_008, timeout_s=30)},
        stream=Stream(shards=4),
        training=Training(instance_type="ml.m5.xlarge", spot=True, spark_workers=10, spark_worker_type="G.2X"),
    ),
    bootstrap_version=6,
    bootstrap_parameter="/cdk-bootstrap/hnb659fds/version",
    layer_parameters=(LAYER_PARAMETER,),
    layer_arns=(),
    training_image=IMAGE,
    names={
        ("AWS::Glue::Database", DATA): ("alsolike_shop",),
        ("AWS::Glue::Job", DATA): ("alsolike-shop",),
        ("AWS::Logs::LogGroup", DATA): ("/aws/vendedlogs/shop",),
        ("AWS::SSM::Parameter", DATA): ("/alsolike/shop/api-url",),
        ("AWS::SageMaker::ModelPackageGroup", DATA): ("alsolike-shop",),
    },
    pollers=5,
    batches=3,
    reserved=0,
    buckets=("uploads",),
    kafka=KafkaCluster(CLUSTER, (SECRET,), ("subnet-0a",), ("sg-0c",)),
    email=True,
    key=KEY,
    api_name=("api.shop.example", ZONE),
)

Answer = Mapping[str, Any] | str | Callable[..., Mapping[str, Any] | str]
"""Response, code of an error, or a function that returns either of them for the parameters of a call."""


class Account:
    """Clients of an account with prepared responses by operation."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.calls: dict[str, Mapping[str, Any]] = {}
        """Parameters of the last call of each operation."""

    def client(self, service: str) -> Any:
        """Return the client of a service, which fails for calls without a prepared response."""
        client = boto3.client(service, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
        client.meta.events.register("before-parameter-build", lambda params, context, **_: context.update(given=params))
        client.meta.events.register("before-call", lambda model, context, **_: self._answer(service, model, context))
        return client

    def _answer(self, service: str, model: Any, context: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        name = f"{service}:{model.name}"
        self.calls[name], answer = context["given"], self._answers[name]
        if callable(answer):
            answer = answer(**context["given"])
        if isinstance(answer, str):
            error = {"Code": answer, "Message": f"{answer} of {model.name}"}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}
        validate_parameters(answer, model.output_shape)
        return SimpleNamespace(status_code=200), answer


def caller(*, number: str = ACCOUNT, user: str = "user/ana") -> Answer:
    return {"Account": number, "Arn": f"arn:aws:iam::{number}:{user}", "UserId": "AIDA"}


def key(*, state: str = "Enabled", spec: str = "SYMMETRIC_DEFAULT") -> Answer:
    return {"KeyMetadata": {"KeyId": "1", "KeyState": state, "KeySpec": spec}}


def zone(*, name: str = "shop.example.", private: bool = False) -> Answer:
    return {"HostedZone": {"Id": ZONE, "Name": name, "CallerReference": "1", "Config": {"PrivateZone": private}}}


def stacks(**statuses: str) -> Answer:
    found = [
        {"StackName": f"alsolike-shop-{part}", "StackStatus": status, "CreationTime": "2026-11-01T00:00:00Z"}
        for part, status in [*statuses.items(), ("2-data", "CREATE_FAILED")]
    ]
    return {"Stacks": found}


def parameters(values: Mapping[str, str]) -> Answer:
    return lambda Name: {"Parameter": {"Value": values[Name]}} if Name in values else "ParameterNotFound"  # noqa: N803


def lambda_settings(*, concurrency: int = 1_000, unreserved: int | None = None, free_mb: int = 75_000) -> Answer:
    free = concurrency if unreserved is None else unreserved
    executions = {"ConcurrentExecutions": concurrency, "UnreservedConcurrentExecutions": free}
    limit = {"TotalCodeSize": free_mb * 1_000_000, **executions}
    return {"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": 0}}


def quotas(*, jobs: float, dpus: float) -> Answer:
    values = {
        "ml.m5.xlarge for spot training job usage": ("L-1", jobs),
        "ml.m5.xlarge for training job usage": ("L-1", jobs),
        "Max task DPUs per account": ("L-2", dpus),
    }
    return {
        "Quotas": [{"QuotaName": name, "QuotaCode": code, "Value": value} for name, (code, value) in values.items()]
    }


def _resources(StackName: str) -> Mapping[str, Any]:  # noqa: N803
    kind, name = {DATA: ("AWS::Kinesis::Stream", "events"), KAFKA: ("AWS::Lambda::EventSourceMapping", MAPPING)}[
        StackName
    ]
    created = {"ResourceStatus": "CREATE_COMPLETE", "LastUpdatedTimestamp": 0, "LogicalResourceId": "Id"}
    return {"StackResourceSummaries": [{"PhysicalResourceId": name, "ResourceType": kind, **created}]}


def stream(*, shards: int) -> Answer:
    summary = {
        "StreamName": "events", "StreamARN": "arn:aws:kinesis:::stream/events", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24, "StreamCreationTimestamp": 0, "EnhancedMonitoring": [], "OpenShardCount": shards,
    }  # fmt: skip
    return {"StreamDescriptionSummary": summary}


def mapping(*, result: str) -> Answer:
    return {"UUID": MAPPING, "State": "Enabled", "LastProcessingResult": result}


def subscription(arn: str) -> Answer:
    return {"Subscriptions": [{"Protocol": "email", "Endpoint": "ana@shop.example", "SubscriptionArn": arn}]}


def cost_tag(*, status: str) -> Answer:
    return {"CostAllocationTags": [{"TagKey": "alsolike:environment", "Type": "UserDefined", "Status": status}]}


PARAMETERS = {NEEDS.bootstrap_parameter: "30", LAYER_PARAMETER: LAYER}
READY: dict[str, Answer] = {
    "sts:GetCallerIdentity": caller(),
    "cloudformation:DescribeStacks": stacks(),
    "ssm:GetParameter": parameters(PARAMETERS),
    "ssm:GetParameters": {"Parameters": [], "InvalidParameters": ["/alsolike/shop/api-url"]},
    "glue:GetDatabase": "EntityNotFoundException",
    "glue:GetJob": "EntityNotFoundException",
    "logs:DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/vendedlogs/shop-2"}]},
    "sagemaker:DescribeModelPackageGroup": "ValidationException",
    "lambda:GetAccountSettings": lambda_settings(),
    "lambda:GetLayerVersionByArn": {"Version": 1},
    "service-quotas:ListServiceQuotas": quotas(jobs=4, dpus=300),
    "ecr:BatchGetImage": {"images": [{"imageId": {"imageTag": "2.9.0"}}]},
    "s3:HeadBucket": {"BucketRegion": REGION},
    "kafka:DescribeClusterV2": {"ClusterInfo": {"State": "ACTIVE"}},
    "secretsmanager:DescribeSecret": {"ARN": SECRET},
    "ec2:DescribeSubnets": {"Subnets": [{}]},
    "ec2:DescribeSecurityGroups": {"SecurityGroups": [{}]},
    "kms:DescribeKey": key(),
    "kms:GetKeyPolicy": {"Policy": f'{{"Principal":{{"Service":"logs.{REGION}.amazonaws.com"}}}}'},
    "route53:GetHostedZone": zone(),
}
"""Responses of an established account that is bootstrapped but has no deployment."""

DEPLOYED: dict[str, Answer] = {
    **READY,
    "cloudformation:DescribeStacks": stacks(data="UPDATE_COMPLETE", kafka="CREATE_COMPLETE"),
    "cloudformation:ListStackResources": _resources,
    "ssm:GetParameter": parameters(
        {**PARAMETERS, "/alsolike/shop/alerts-topic-arn": TOPIC, "/alsolike/shop/api-url": "https://api.shop.example/"}
    ),
    "kinesis:DescribeStreamSummary": stream(shards=4),
    "lambda:GetEventSourceMapping": mapping(result="OK"),
    "sns:ListSubscriptionsByTopic": subscription(f"{TOPIC}:1f2e"),
    "ce:ListCostAllocationTags": cost_tag(status="Active"),
}

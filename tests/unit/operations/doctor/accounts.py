"""Simulated AWS accounts.

Clients have prepared responses, which botocore's Stubber validates against the service's model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.stub import ANY, Stubber

from operations.cost.resources import BilledResources, Function, Stream, Training
from operations.doctor import Needs
from operations.doctor.requirements import KafkaCluster

ACCOUNT, REGION = "123456789012", "eu-west-1"
LAYER = f"arn:aws:lambda:{REGION}:336392948345:layer:AWSSDKPandas-Python313-Arm64:1"
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
    layer_parameters=("/aws/service/aws-sdk-pandas/3.17.1/py3.13/arm64/layer-arn",),
    layer_arns=(),
    training_image=IMAGE,
    names={
        ("AWS::Glue::Database", DATA): ("alsolike_shop",),
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


class Account:
    """Clients of an account with prepared responses."""

    def __init__(self) -> None:
        self._stubs: dict[str, Stubber] = {}
        self.operations: set[tuple[str, str]] = set()
        """Names of the service and of the method of each prepared response."""

    def client(self, service: str) -> Any:
        """Return the client of a service, which fails for calls without a prepared response."""
        return self._stub(service).client

    def answer(self, service: str, operation: str, response: Mapping[str, Any], **parameters: Any) -> None:
        """Prepare the next response of a service. `parameters` are the expected parameters of the call."""
        self.operations.add((service, operation))
        self._stub(service).add_response(operation, dict(response), parameters or None)

    def refuse(self, service: str, operation: str, code: str) -> None:
        self.operations.add((service, operation))
        self._stub(service).add_client_error(operation, code, f"{code} of {operation}")

    def left(self) -> list[str]:
        return [service for service, stub in self._stubs.items() if stub._queue]

    def _stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            client = boto3.client(service, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
            self._stubs[service] = Stubber(client)
            self._stubs[service].activate()
        return self._stubs[service]


def caller(account: Account, *, number: str = ACCOUNT, user: str = "user/ana") -> None:
    identity = {"Account": number, "Arn": f"arn:aws:iam::{number}:{user}", "UserId": "AIDA"}
    account.answer("sts", "get_caller_identity", identity)


def key(
    account: Account, *, state: str = "Enabled", spec: str = "SYMMETRIC_DEFAULT", policy: str | None = None
) -> None:
    account.answer(
        "kms", "describe_key", {"KeyMetadata": {"KeyId": "1", "KeyState": state, "KeySpec": spec}}, KeyId=KEY
    )
    if (state, spec) == ("Enabled", "SYMMETRIC_DEFAULT"):
        statement = f'{{"Principal":{{"Service":"logs.{REGION}.amazonaws.com"}}}}' if policy is None else policy
        account.answer("kms", "get_key_policy", {"Policy": statement}, KeyId=KEY, PolicyName="default")


def zone(account: Account, *, name: str = "shop.example.", private: bool = False) -> None:
    found = {"Id": ZONE, "Name": name, "CallerReference": "1", "Config": {"PrivateZone": private}}
    account.answer("route53", "get_hosted_zone", {"HostedZone": found}, Id=ZONE)


def stacks(account: Account, **statuses: str) -> None:
    found = [
        {"StackName": f"alsolike-shop-{part}", "StackStatus": status, "CreationTime": "2026-11-01T00:00:00Z"}
        for part, status in [*statuses.items(), ("2-data", "CREATE_FAILED")]
    ]
    account.answer("cloudformation", "describe_stacks", {"Stacks": found})


def parameter(account: Account, value: str | None) -> None:
    if value is None:
        account.refuse("ssm", "get_parameter", "ParameterNotFound")
    else:
        account.answer("ssm", "get_parameter", {"Parameter": {"Value": value}})


def free_names(account: Account) -> None:
    account.refuse("glue", "get_database", "EntityNotFoundException")
    account.answer("logs", "describe_log_groups", {"logGroups": [{"logGroupName": "/aws/vendedlogs/shop-2"}]})
    account.answer("ssm", "get_parameters", {"Parameters": [], "InvalidParameters": ["/alsolike/shop/api-url"]})
    account.refuse("sagemaker", "describe_model_package_group", "ValidationException")


def taken_names(account: Account) -> None:
    account.answer("glue", "get_database", {"Database": {"Name": "alsolike_shop"}})
    account.answer("logs", "describe_log_groups", {"logGroups": [{"logGroupName": "/aws/vendedlogs/shop"}]})
    account.answer("ssm", "get_parameters", {"Parameters": [{"Name": "/alsolike/shop/api-url"}]})
    name = {"ModelPackageGroupName": "alsolike-shop"}
    group = {"ModelPackageGroupArn": "a", "ModelPackageGroupStatus": "Completed", "CreationTime": 0, "CreatedBy": {}}
    account.answer("sagemaker", "describe_model_package_group", {**name, **group}, **name)


def lambda_settings(
    account: Account, *, concurrency: int, unreserved: int | None = None, free_mb: int = 75_000
) -> None:
    free = concurrency if unreserved is None else unreserved
    executions = {"ConcurrentExecutions": concurrency, "UnreservedConcurrentExecutions": free}
    limit = {"TotalCodeSize": free_mb * 1_000_000, **executions}
    account.answer("lambda", "get_account_settings", {"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": 0}})


def layer(account: Account) -> None:
    parameter(account, LAYER)
    account.answer("lambda", "get_layer_version_by_arn", {"Version": 1}, Arn=LAYER)


def quotas(account: Account, *, spot: float, on_demand: float, dpus: float) -> None:
    jobs = [
        {"QuotaName": f"ml.m5.xlarge for {name}", "QuotaCode": "L-1", "Value": value}
        for name, value in (("spot training job usage", spot), ("training job usage", on_demand))
    ]
    dpu = {"QuotaName": "Max task DPUs per account", "QuotaCode": "L-2", "Value": dpus}
    for service, found in (("sagemaker", jobs), ("glue", [dpu])):
        account.answer("service-quotas", "list_service_quotas", {"Quotas": found}, ServiceCode=service)


def image(account: Account, *, exists: bool = True) -> None:
    tag = {"imageTag": "2.9.0"}
    found = {"images": [{"imageId": tag}] if exists else []}
    repository = {"registryId": "763104351884", "repositoryName": "pytorch-training"}
    account.answer("ecr", "batch_get_image", found, **repository, imageIds=[tag])


def resources(account: Account, stack: str, **physical_ids: str) -> None:
    """Prepare the list of a stack's resources, given by the last part of their types."""
    types = {"Stream": "AWS::Kinesis::Stream", "EventSourceMapping": "AWS::Lambda::EventSourceMapping"}
    created = {"ResourceStatus": "CREATE_COMPLETE", "LastUpdatedTimestamp": 0}
    summaries = [
        {"LogicalResourceId": name, "PhysicalResourceId": physical_id, "ResourceType": types[name], **created}
        for name, physical_id in physical_ids.items()
    ]
    account.answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": summaries}, StackName=stack)


def stream(account: Account, *, shards: int) -> None:
    summary = {
        "StreamName": "events", "StreamARN": "arn:aws:kinesis:::stream/events", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24, "StreamCreationTimestamp": 0, "EnhancedMonitoring": [], "OpenShardCount": shards,
    }  # fmt: skip
    account.answer("kinesis", "describe_stream_summary", {"StreamDescriptionSummary": summary}, StreamName="events")


def bucket(account: Account, *, region: str = REGION) -> None:
    account.answer("s3", "head_bucket", {"BucketRegion": region}, Bucket="uploads")


def limits(account: Account, *, concurrency: int = 1_000, unreserved: int | None = None) -> None:
    lambda_settings(account, concurrency=concurrency, unreserved=unreserved)
    layer(account)
    quotas(account, spot=4, on_demand=8, dpus=300)


def kafka(account: Account) -> None:
    account.answer("kafka", "describe_cluster_v2", {"ClusterInfo": {"State": "ACTIVE"}}, ClusterArn=CLUSTER)
    account.answer("secretsmanager", "describe_secret", {"ARN": SECRET}, SecretId=SECRET)
    account.answer("ec2", "describe_subnets", {"Subnets": [{}]}, SubnetIds=["subnet-0a"])
    account.answer("ec2", "describe_security_groups", {"SecurityGroups": [{}]}, GroupIds=["sg-0c"])


def external(account: Account) -> None:
    """Prepare the resources of the account that the CDK app does not create."""
    bucket(account)
    kafka(account)
    key(account)
    zone(account)


def mapping(account: Account, *, result: str) -> None:
    answer = {"UUID": MAPPING, "State": "Enabled", "LastProcessingResult": result}
    account.answer("lambda", "get_event_source_mapping", answer, UUID=MAPPING)


def subscriptions(account: Account, arn: str) -> None:
    mail = {"Protocol": "email", "Endpoint": "ana@shop.example", "SubscriptionArn": arn}
    account.answer("sns", "list_subscriptions_by_topic", {"Subscriptions": [mail]}, TopicArn=TOPIC)


def cost_tag(account: Account, *, status: str) -> None:
    tag = {"TagKey": "alsolike:environment", "Type": "UserDefined", "Status": status}
    account.answer("ce", "list_cost_allocation_tags", {"CostAllocationTags": [tag]}, TagKeys=ANY)

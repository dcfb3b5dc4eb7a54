"""Findings on simulated accounts, from one without credentials to one with a running deployment."""

import dataclasses

import pytest
from botocore.exceptions import NoCredentialsError

from alsolike.runtime.errors import Unavailable
from operations.cost.resources import Stream
from operations.doctor import ACTIONS, FAILED, PASSED, UNKNOWN, examine
from tests.unit.operations.doctor import accounts
from tests.unit.operations.doctor.accounts import DATA, DEPLOYED, NEEDS, READY, REGION, Account

CHECKS_BEFORE = {
    "account", "region", "bootstrap stack", "stacks", "retained names", "Lambda concurrency", "Lambda code storage",
    "Lambda memory", "layer", "SageMaker, ml.m5.xlarge for spot training job usage",
    "SageMaker, ml.m5.xlarge for training job usage", "Glue capacity", "training image", "stream shards",
    "bucket uploads", "Kafka cluster", "Kafka secret", "Kafka subnet", "Kafka security group",
    "KMS key", "KMS key policy", "API name",
}  # fmt: skip
CHECKS_AFTER = {"Kafka mapping", "alarm mail", "cost allocation tag", "signed requests"}
REFUSED_KEY = '{"__type":"UnrecognizedClientException","message":"the access key does not exist"}'


def post(status=403, body=REFUSED_KEY):
    """Return a stand-in for `post`, which checks the signature of the request."""

    def send(request):
        assert request.url == "https://api.shop.example/personalize/recommendations"
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=ALSODOCTOR0000000000/")
        assert f"/{REGION}/personalize/aws4_request" in request.headers["Authorization"]
        return status, body

    return send


def examined(answers, needs=NEEDS, **options):
    """Return the findings on an account by check."""
    findings = examine(needs, Account(answers).client, **{"post": post(), **options})
    return {finding.check: finding for finding in findings}


def by_status(findings, status):
    return {check for check, finding in findings.items() if finding.status == status}


def blocking(findings):
    return {check for check, finding in findings.items() if finding.blocks}


def test_account_without_credentials_ends_after_one_failed_check():
    def clients(_):
        raise NoCredentialsError

    (finding,) = examine(NEEDS, clients, post=post())

    assert (finding.check, finding.status, finding.blocks) == ("account", FAILED, True)
    assert finding.reason == "Unable to locate credentials"
    assert "aws configure" in finding.advice


def test_ready_account_passes_every_check_before_a_deployment():
    findings = examined(READY)

    assert by_status(findings, PASSED) == findings.keys() == CHECKS_BEFORE
    assert all(finding.reason and not finding.advice for finding in findings.values())


def test_new_account_fails_at_bootstrap_and_layer_and_names_its_quotas():
    new = {
        "ssm:GetParameter": "ParameterNotFound",
        "lambda:GetAccountSettings": accounts.lambda_settings(concurrency=10),
        "service-quotas:ListServiceQuotas": accounts.quotas(jobs=0, dpus=10),
        "s3:HeadBucket": "404",
    }

    findings = examined(READY | new, configured_region="us-east-1")

    training = "SageMaker, ml.m5.xlarge for training job usage"
    assert blocking(findings) == {"bootstrap stack", "layer"}
    assert by_status(findings, FAILED) == blocking(findings) | {
        "region", "SageMaker, ml.m5.xlarge for spot training job usage", training, "Glue capacity", "bucket uploads",
    }  # fmt: skip
    assert findings["bootstrap stack"].advice == "cdk bootstrap aws://123456789012/eu-west-1"
    assert "aws-sdk-pandas/3.17.1" in findings["layer"].reason
    # Ten workers of type G.2X have two DPUs each.
    assert findings["Glue capacity"].reason.startswith("10 DPUs, expected 20")
    assert "--service-code sagemaker --quota-code L-1" in findings[training].advice


def test_account_with_remains_of_an_earlier_deployment_is_refused():
    group = {"ModelPackageGroupArn": "a", "ModelPackageGroupStatus": "Completed", "CreationTime": 0, "CreatedBy": {}}
    remains: dict[str, accounts.Answer] = {
        "sts:GetCallerIdentity": accounts.caller(number="999999999999"),
        "cloudformation:DescribeStacks": accounts.stacks(kafka="ROLLBACK_COMPLETE"),
        "cloudformation:ListStackResources": {"StackResourceSummaries": []},
        "ssm:GetParameter": accounts.parameters(accounts.PARAMETERS | {NEEDS.bootstrap_parameter: "5"}),
        "ssm:GetParameters": {"Parameters": [{"Name": "/alsolike/shop/api-url"}]},
        "glue:GetDatabase": {"Database": {"Name": "alsolike_shop"}},
        "glue:GetJob": {"Job": {"Name": "alsolike-shop"}},
        "logs:DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/vendedlogs/shop"}]},
        "sagemaker:DescribeModelPackageGroup": {"ModelPackageGroupName": "alsolike-shop", **group},
        "lambda:GetAccountSettings": accounts.lambda_settings(free_mb=100),
        "lambda:GetLayerVersionByArn": "AccessDeniedException",
        "ecr:BatchGetImage": {"images": []},
        "s3:HeadBucket": {"BucketRegion": "us-east-1"},
        "kafka:DescribeClusterV2": {"ClusterInfo": {"State": "CREATING"}},
        "secretsmanager:DescribeSecret": "ResourceNotFoundException",
        "ec2:DescribeSubnets": "InvalidSubnetID.NotFound",
        "ec2:DescribeSecurityGroups": "InvalidGroup.NotFound",
        "kms:DescribeKey": accounts.key(state="Disabled"),
        "route53:GetHostedZone": accounts.zone(name="market.example."),
    }

    findings = examined(READY | remains)

    assert blocking(findings) == {
        "account", "bootstrap stack", "stacks", "retained names", "Lambda code storage", "layer", "Kafka cluster",
        "Kafka secret", "Kafka subnet", "Kafka security group", "KMS key", "API name",
    }  # fmt: skip
    assert by_status(findings, FAILED) == blocking(findings) | {"training image", "bucket uploads"}
    assert findings["stacks"].advice == "aws cloudformation delete-stack --stack-name alsolike-shop-kafka"
    assert findings["retained names"].advice == f"adopt it with `cdk import {DATA}`, or delete it"
    assert "version 5, expected 6 or later" in findings["bootstrap stack"].reason


def test_complete_deployment_passes_every_check():
    findings = examined(DEPLOYED | {"kinesis:DescribeStreamSummary": accounts.stream(shards=2)})

    assert by_status(findings, PASSED) == findings.keys() == CHECKS_BEFORE | CHECKS_AFTER


def test_deployment_with_omitted_manual_steps_fails_at_each():
    omitted = {
        "kinesis:DescribeStreamSummary": accounts.stream(shards=1),
        "lambda:GetEventSourceMapping": accounts.mapping(result="PROBLEM: Cluster failed to authorize Lambda"),
        "sns:ListSubscriptionsByTopic": accounts.subscription("PendingConfirmation"),
        "ce:ListCostAllocationTags": accounts.cost_tag(status="Inactive"),
    }
    removed_header = '{"__type":"MissingAuthenticationTokenException"}'

    findings = examined(DEPLOYED | omitted, post=post(body=removed_header))

    assert by_status(findings, FAILED) == {"stream shards", *CHECKS_AFTER}
    assert blocking(findings) == {"stream shards"}
    assert findings["stream shards"].advice == "first deploy with stream_shards 2"
    assert "ana@shop.example did not confirm" in findings["alarm mail"].reason
    assert findings["signed requests"].reason == "the function received no header Authorization"


def test_partial_deployment_leaves_checks_of_missing_stacks_unknown():
    partial = {
        "cloudformation:DescribeStacks": accounts.stacks(data="CREATE_COMPLETE"),
        "ssm:GetParameter": READY["ssm:GetParameter"],
    }

    findings = examined(DEPLOYED | partial)

    assert by_status(findings, UNKNOWN) == {"alarm mail", "signed requests"}
    assert findings["alarm mail"].reason == "the topic of alarms is not deployed"
    assert by_status(findings, FAILED) == set()


@pytest.mark.parametrize(
    ("deployed_shards", "wanted", "fits"), [(4, 2, True), (4, 8, True), (5, 2, False), (4, 9, False)]
)
def test_stream_shards_may_at_most_double_or_halve(deployed_shards, wanted, fits):
    resources = dataclasses.replace(NEEDS.resources, stream=Stream(shards=wanted))
    answers = DEPLOYED | {"kinesis:DescribeStreamSummary": accounts.stream(shards=deployed_shards)}

    finding = examined(answers, dataclasses.replace(NEEDS, resources=resources))["stream shards"]

    assert finding.blocks is not fits


@pytest.mark.parametrize(
    ("limits", "needed", "status", "blocks"),
    [
        ({"concurrency": 10}, {}, PASSED, False),
        ({"concurrency": 9}, {}, FAILED, False),
        ({"concurrency": 1_000}, {"reserved": 900}, PASSED, False),
        ({"concurrency": 1_000}, {"reserved": 901}, FAILED, True),
        ({"concurrency": 10}, {"reserved": 1}, FAILED, True),
        ({"unreserved": 107}, {"batches": 100}, PASSED, False),  # Other functions have reservations.
        ({"unreserved": 106}, {"batches": 100}, FAILED, False),
    ],
)
def test_concurrency_suffices_for_reserved_and_other_executions(limits, needed, status, blocks):
    answers = READY | {"lambda:GetAccountSettings": accounts.lambda_settings(**limits)}

    finding = examined(answers, dataclasses.replace(NEEDS, **needed))["Lambda concurrency"]

    assert (finding.status, finding.blocks) == (status, blocks)


@pytest.mark.parametrize(
    ("operation", "answer", "check"),
    [
        ("sts:GetCallerIdentity", accounts.caller(user="root"), "account"),
        ("ecr:BatchGetImage", {"images": []}, "training image"),
        ("ecr:BatchGetImage", "RepositoryNotFoundException", "training image"),
    ],
)
def test_root_user_or_missing_image_fails_without_ending_a_deployment(operation, answer, check):
    finding = examined(READY | {operation: answer})[check]

    assert (finding.status, finding.blocks) == (FAILED, False)


def test_checks_that_aws_denies_are_unknown_and_end_no_other_check():
    findings = examined(dict.fromkeys(READY, "AccessDeniedException") | {"sts:GetCallerIdentity": accounts.caller()})

    assert blocking(findings) == set()
    assert by_status(findings, UNKNOWN) == {
        "bootstrap stack", "retained names", "Lambda limits", "layer", "SageMaker quotas", "Glue capacity",
        "training image", "bucket uploads", "Kafka", "KMS key", "API name",
    }  # fmt: skip


def test_api_without_an_answer_leaves_the_signed_request_unknown():
    def send(*_):
        raise Unavailable("https://api.shop.example: no route")

    assert examined(DEPLOYED, post=send)["signed requests"].status == UNKNOWN


def test_refusal_of_the_gateway_itself_leaves_the_signed_request_unknown():
    finding = examined(DEPLOYED, post=post(403, '{"message":"Forbidden"}'))["signed requests"]

    assert (finding.status, finding.reason) == (UNKNOWN, 'the API answered 403: {"message":"Forbidden"}')


@pytest.mark.parametrize(
    ("operation", "answer", "check", "reason"),
    [
        ("kms:DescribeKey", accounts.key(state="PendingDeletion"), "KMS key", "PendingDeletion with the specification"),
        ("kms:DescribeKey", accounts.key(spec="RSA_2048"), "KMS key", "Enabled with the specification RSA_2048"),
        ("kms:DescribeKey", "NotFoundException", "KMS key", "does not exist"),
        ("kms:GetKeyPolicy", {"Policy": "{}"}, "KMS key policy", "does not name logs.eu-west-1.amazonaws.com"),
        ("route53:GetHostedZone", accounts.zone(name="market.example."), "API name", "is not a name below market"),
        ("route53:GetHostedZone", accounts.zone(name="api.shop.example."), "API name", "is not a name below api.shop"),
        ("route53:GetHostedZone", accounts.zone(private=True), "API name", "is private, expected a public zone"),
        ("route53:GetHostedZone", "NoSuchHostedZone", "API name", "does not exist"),
    ],
)
def test_unusable_or_missing_key_or_zone_ends_a_deployment(operation, answer, check, reason):
    finding = examined(READY | {operation: answer})[check]

    assert (finding.status, finding.blocks) == (FAILED, True)
    assert reason in finding.reason


def test_calls_name_their_resources_and_need_the_listed_permissions():
    other = {
        "service-quotas:ListServiceQuotas": "servicequotas:ListServiceQuotas",
        "s3:HeadBucket": "s3:ListBucket",
        "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    }
    ready, running = Account(READY), Account(DEPLOYED)
    for account in (ready, running):
        list(examine(NEEDS, account.client, post=post()))

    calls = ready.calls | running.calls
    named = {
        "ecr:BatchGetImage": {
            "registryId": "763104351884", "repositoryName": "pytorch-training", "imageIds": [{"imageTag": "2.9.0"}],
        },
        "lambda:GetLayerVersionByArn": {"Arn": accounts.LAYER},
        "s3:HeadBucket": {"Bucket": "uploads"},
        "kafka:DescribeClusterV2": {"ClusterArn": accounts.CLUSTER},
        "secretsmanager:DescribeSecret": {"SecretId": accounts.SECRET},
        "ec2:DescribeSubnets": {"SubnetIds": ["subnet-0a"]},
        "ec2:DescribeSecurityGroups": {"GroupIds": ["sg-0c"]},
        "kms:DescribeKey": {"KeyId": accounts.KEY},
        "kms:GetKeyPolicy": {"KeyId": accounts.KEY, "PolicyName": "default"},
        "route53:GetHostedZone": {"Id": accounts.ZONE},
        "kinesis:DescribeStreamSummary": {"StreamName": "events"},
        "lambda:GetEventSourceMapping": {"UUID": accounts.MAPPING},
        "sns:ListSubscriptionsByTopic": {"TopicArn": accounts.TOPIC},
    }  # fmt: skip

    assert {other.get(call, call) for call in calls} - {"sts:GetCallerIdentity"} == {*ACTIONS}
    assert {name: calls[name] for name in named} == named

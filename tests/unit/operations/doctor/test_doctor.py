"""Findings on simulated accounts, from one without credentials to one with a running deployment."""

import dataclasses
from functools import partial

import pytest
from botocore.exceptions import NoCredentialsError

from alsolike.runtime.errors import Unavailable
from operations.cost.resources import Stream
from operations.doctor import ACTIONS, FAILED, PASSED, UNKNOWN, examine
from operations.doctor.account import api_name as check_api_name
from operations.doctor.account import key as check_key
from tests.unit.operations.doctor import accounts
from tests.unit.operations.doctor.accounts import DATA, KAFKA, NEEDS, REGION, Account

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


def examined(account, needs=NEEDS, **options):
    """Return the findings by check, and assert that each prepared response was used."""
    findings = list(examine(needs, account.client, **{"post": post(), **options}))
    assert account.left() == []
    return {finding.check: finding for finding in findings}


def by_status(findings, status):
    return {check for check, finding in findings.items() if finding.status == status}


def blocking(findings):
    return {check for check, finding in findings.items() if finding.blocks}


def ready(*, user="user/ana", image=True, concurrency=1_000, unreserved=None):
    """Return an established account that is bootstrapped but has no deployment.

    `image` is None if the repository is missing.
    """
    account = Account()
    accounts.caller(account, user=user)
    accounts.stacks(account)
    accounts.parameter(account, "30")
    accounts.free_names(account)
    accounts.limits(account, concurrency=concurrency, unreserved=unreserved)
    if image is None:
        account.refuse("ecr", "batch_get_image", "RepositoryNotFoundException")
    else:
        accounts.image(account, exists=image)
    accounts.external(account)
    return account


def test_account_without_credentials_ends_after_one_failed_check():
    def clients(_):
        raise NoCredentialsError

    (finding,) = examine(NEEDS, clients, post=post())

    assert (finding.check, finding.status, finding.blocks) == ("account", FAILED, True)
    assert finding.reason == "Unable to locate credentials"
    assert "aws configure" in finding.advice


def test_ready_account_passes_every_check_before_a_deployment():
    findings = examined(ready())

    assert findings.keys() == CHECKS_BEFORE
    assert by_status(findings, PASSED) == CHECKS_BEFORE
    assert all(finding.reason and not finding.advice for finding in findings.values())


def test_new_account_fails_at_bootstrap_and_layer_and_names_its_quotas():
    account = Account()
    accounts.caller(account)
    accounts.stacks(account)
    accounts.parameter(account, None)
    accounts.free_names(account)
    accounts.lambda_settings(account, concurrency=10)
    accounts.parameter(account, None)
    accounts.quotas(account, spot=0, on_demand=0, dpus=10)
    accounts.image(account)
    account.refuse("s3", "head_bucket", "404")
    accounts.kafka(account)
    accounts.key(account)
    accounts.zone(account)

    training = "SageMaker, ml.m5.xlarge for training job usage"
    findings = examined(account, configured_region="us-east-1")

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
    account = Account()
    accounts.caller(account, number="999999999999")
    accounts.stacks(account, kafka="ROLLBACK_COMPLETE")
    accounts.parameter(account, "5")
    accounts.taken_names(account)
    accounts.lambda_settings(account, concurrency=1_000, free_mb=100)
    accounts.parameter(account, accounts.LAYER)
    account.refuse("lambda", "get_layer_version_by_arn", "AccessDeniedException")
    accounts.quotas(account, spot=1, on_demand=1, dpus=300)
    accounts.image(account, exists=False)
    accounts.resources(account, KAFKA)
    accounts.bucket(account, region="us-east-1")
    account.answer("kafka", "describe_cluster_v2", {"ClusterInfo": {"State": "CREATING"}})
    account.refuse("secretsmanager", "describe_secret", "ResourceNotFoundException")
    account.refuse("ec2", "describe_subnets", "InvalidSubnetID.NotFound")
    account.refuse("ec2", "describe_security_groups", "InvalidGroup.NotFound")

    accounts.key(account, state="Disabled")
    accounts.zone(account, name="market.example.")

    findings = examined(account)

    assert blocking(findings) == {
        "account", "bootstrap stack", "stacks", "retained names", "Lambda code storage", "layer", "Kafka cluster",
        "Kafka secret", "Kafka subnet", "Kafka security group", "KMS key",
        "API name",
    }  # fmt: skip
    assert by_status(findings, FAILED) == blocking(findings) | {"training image", "bucket uploads"}
    assert findings["stacks"].advice == "aws cloudformation delete-stack --stack-name alsolike-shop-kafka"
    assert findings["retained names"].advice == f"adopt it with `cdk import {DATA}`, or delete it"
    assert "version 5, expected 6 or later" in findings["bootstrap stack"].reason


def deployed(*, shards=4, result="OK", subscription=f"{accounts.TOPIC}:1f2e", tag="Active"):
    account = Account()
    accounts.caller(account)
    accounts.stacks(account, data="UPDATE_COMPLETE", kafka="CREATE_COMPLETE")
    accounts.parameter(account, "30")
    accounts.limits(account)
    accounts.image(account)
    accounts.resources(account, DATA, Stream="events")
    accounts.resources(account, KAFKA, EventSourceMapping=accounts.MAPPING)
    accounts.stream(account, shards=shards)
    accounts.external(account)
    accounts.resources(account, KAFKA, EventSourceMapping=accounts.MAPPING)
    accounts.mapping(account, result=result)
    accounts.parameter(account, accounts.TOPIC)
    accounts.subscriptions(account, subscription)
    accounts.cost_tag(account, status=tag)
    accounts.parameter(account, "https://api.shop.example/")
    return account


def test_complete_deployment_passes_every_check():
    findings = examined(deployed(shards=2))

    assert findings.keys() == CHECKS_BEFORE | CHECKS_AFTER
    assert by_status(findings, PASSED) == findings.keys()


def test_deployment_with_omitted_manual_steps_fails_at_each():
    account = deployed(
        shards=1, result="PROBLEM: Cluster failed to authorize Lambda", subscription="PendingConfirmation",
        tag="Inactive",
    )  # fmt: skip
    removed_header = '{"__type":"MissingAuthenticationTokenException"}'

    findings = examined(account, post=post(body=removed_header))

    assert by_status(findings, FAILED) == {"stream shards", *CHECKS_AFTER}
    assert blocking(findings) == {"stream shards"}
    assert findings["stream shards"].advice == "first deploy with stream_shards 2"
    assert "ana@shop.example did not confirm" in findings["alarm mail"].reason
    assert findings["signed requests"].reason == "the function received no header Authorization"


def test_partial_deployment_leaves_checks_of_missing_stacks_unknown():
    account = Account()
    accounts.caller(account)
    accounts.stacks(account, data="CREATE_COMPLETE")
    accounts.parameter(account, "30")
    accounts.limits(account)
    accounts.image(account)
    accounts.resources(account, DATA, Stream="events")
    accounts.stream(account, shards=4)
    accounts.external(account)
    accounts.parameter(account, None)
    accounts.cost_tag(account, status="Active")
    accounts.parameter(account, None)

    findings = examined(account)

    assert by_status(findings, UNKNOWN) == {"alarm mail", "signed requests"}
    assert findings["alarm mail"].reason == "the topic of alarms is not deployed"
    assert by_status(findings, FAILED) == set()


@pytest.mark.parametrize(
    ("deployed_shards", "wanted", "fits"), [(4, 2, True), (4, 8, True), (5, 2, False), (4, 9, False)]
)
def test_stream_shards_may_at_most_double_or_halve(deployed_shards, wanted, fits):
    resources = dataclasses.replace(NEEDS.resources, stream=Stream(shards=wanted))

    needs = dataclasses.replace(NEEDS, resources=resources)
    finding = examined(deployed(shards=deployed_shards), needs)["stream shards"]

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
    finding = examined(ready(**limits), dataclasses.replace(NEEDS, **needed))["Lambda concurrency"]

    assert (finding.status, finding.blocks) == (status, blocks)


@pytest.mark.parametrize(
    ("options", "check"),
    [({"user": "root"}, "account"), ({"image": False}, "training image"), ({"image": None}, "training image")],
)
def test_root_user_or_missing_image_fails_without_ending_a_deployment(options, check):
    finding = examined(ready(**options))[check]

    assert (finding.status, finding.blocks) == (FAILED, False)


def test_checks_that_aws_denies_are_unknown_and_end_no_other_check():
    account = Account()
    accounts.caller(account)
    for service, operation in (
        ("cloudformation", "describe_stacks"), ("ssm", "get_parameter"), ("glue", "get_database"),
        ("lambda", "get_account_settings"), ("ssm", "get_parameter"), ("service-quotas", "list_service_quotas"),
        ("service-quotas", "list_service_quotas"), ("ecr", "batch_get_image"), ("s3", "head_bucket"),
        ("kafka", "describe_cluster_v2"), ("kms", "describe_key"),
        ("route53", "get_hosted_zone"),
    ):  # fmt: skip
        account.refuse(service, operation, "AccessDeniedException")

    findings = examined(account)

    assert blocking(findings) == set()
    assert by_status(findings, UNKNOWN) == {
        "bootstrap stack", "retained names", "Lambda limits", "layer", "SageMaker quotas", "Glue capacity",
        "training image", "bucket uploads", "Kafka", "KMS key", "API name",
    }  # fmt: skip


def test_api_without_an_answer_leaves_the_signed_request_unknown():
    def send(*_):
        raise Unavailable("https://api.shop.example: no route")

    assert examined(deployed(), post=send)["signed requests"].status == UNKNOWN


def test_refusal_of_the_gateway_itself_leaves_the_signed_request_unknown():
    finding = examined(deployed(), post=post(403, '{"message":"Forbidden"}'))["signed requests"]

    assert (finding.status, finding.reason) == (UNKNOWN, 'the API answered 403: {"message":"Forbidden"}')


@pytest.mark.parametrize(
    ("check", "prepare", "name", "reason"),
    [
        (
            check_key,
            partial(accounts.key, state="PendingDeletion"),
            "KMS key",
            "PendingDeletion with the specification",
        ),
        (check_key, partial(accounts.key, spec="RSA_2048"), "KMS key", "Enabled with the specification RSA_2048"),
        (check_key, partial(accounts.key, policy="{}"), "KMS key policy", "does not name logs.eu-west-1.amazonaws.com"),
        (check_key, lambda each: each.refuse("kms", "describe_key", "NotFoundException"), "KMS key", ""),
        (check_api_name, partial(accounts.zone, name="market.example."), "API name", "is not a name below market"),
        (check_api_name, partial(accounts.zone, name="api.shop.example."), "API name", "is not a name below api.shop"),
        (check_api_name, partial(accounts.zone, private=True), "API name", "is private, expected a public zone"),
        (check_api_name, lambda each: each.refuse("route53", "get_hosted_zone", "NoSuchHostedZone"), "API name", ""),
    ],
)
def test_unusable_or_missing_key_or_zone_ends_a_deployment(check, prepare, name, reason):
    account = Account()
    prepare(account)

    finding = list(check(account.client, NEEDS))[-1]

    assert (finding.check, finding.status, finding.blocks) == (name, FAILED, True)
    assert reason in finding.reason


def test_permissions_are_those_of_the_calls():
    other = {
        "ListServiceQuotas": "servicequotas:ListServiceQuotas",
        "HeadBucket": "s3:ListBucket",
        "GetLayerVersionByArn": "lambda:GetLayerVersion",
    }
    running = deployed()
    remains = Account()
    accounts.taken_names(remains)
    remains.answer("glue", "get_job", {})
    calls = ready().operations | running.operations | remains.operations
    methods = {service: running.client(service).meta.method_to_api_mapping for service, _ in calls}

    operations = [(service, methods[service][method]) for service, method in calls if service != "sts"]

    assert {other.get(name, f"{service}:{name}") for service, name in operations} == {*ACTIONS}

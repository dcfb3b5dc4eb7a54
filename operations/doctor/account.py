"""Checks of the account and the region. They require no deployment."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from alsolike.runtime.aws_errors import translate_aws_errors
from operations.cost.charges import DPUS
from operations.doctor.finding import Finding, failed, passed, unknown
from operations.doctor.requirements import Needs

Clients = Callable[[str], Any]

UNRESERVED = 100
"""Minimum number of concurrent executions that Lambda keeps unreserved."""
FOR_THE_API = 2
NEW_ACCOUNT_MEMORY_MB = 3_008
CODE_MB = 500
"""Size of the functions and layers of a deployment with one earlier version, in MB."""
_MB = 1_000_000
_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)"
    r"(:(?P<tag>[^@]+))?(@(?P<digest>sha256:\w+))?"
)
_QUOTA_ADVICE = "aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code}"


def read_account(clients: Clients) -> str:
    with translate_aws_errors("AWS account"):
        account: str = clients("sts").get_caller_identity()["Account"]
    return account


def identity(clients: Clients, needs: Needs) -> Iterator[Finding]:
    caller = clients("sts").get_caller_identity()
    if needs.account and caller["Account"] != needs.account:
        yield failed(
            "account",
            f"the credentials belong to account {caller['Account']}, cdk.json expects {needs.account}",
            "use credentials of that account, or change `account` in cdk.json",
            blocks=True,
        )
    elif caller["Arn"].endswith(":root"):
        reason = f"{caller['Account']}, as the root user, who may do anything"
        yield failed("account", reason, "use credentials of an administrator or of a role")
    else:
        yield passed("account", f"{caller['Account']}, as {caller['Arn']}")


def region(configured: str | None, needs: Needs) -> Finding:
    if configured not in (None, needs.region):
        return failed(
            "region",
            f"the configured region is {configured}, cdk.json deploys to {needs.region}; other commands would look in "
            f"{configured}",
            f"export AWS_REGION={needs.region} AWS_DEFAULT_REGION={needs.region}",
        )
    return passed("region", needs.region)


def bootstrap(clients: Clients, needs: Needs) -> Iterator[Finding]:
    advice = f"cdk bootstrap aws://{needs.account or 'ACCOUNT'}/{needs.region}"
    parameter = read_parameter(clients, needs.bootstrap_parameter)
    if parameter is None:
        yield failed("bootstrap stack", f"{needs.region} has none", advice, blocks=True)
    elif int(parameter) < needs.bootstrap_version:
        reason = f"version {parameter}, expected {needs.bootstrap_version} or later"
        yield failed("bootstrap stack", reason, advice, blocks=True)
    else:
        yield passed("bootstrap stack", f"version {parameter}")


def lambda_limits(clients: Clients, needs: Needs, *, is_deployed: bool) -> Iterator[Finding]:
    settings = clients("lambda").get_account_settings()
    limits, usage = settings["AccountLimit"], settings["AccountUsage"]
    total = int(limits["ConcurrentExecutions"])
    needed = needs.pollers + needs.batches + FOR_THE_API
    reserved = needs.reserved + sum(function.provisioned for function in needs.resources.functions.values())
    advice = _QUOTA_ADVICE.format(service="lambda", code="L-B99A9384") + " --desired-value 1000"
    # After a deployment, AWS's unreserved number already lacks the deployment's own reservations, which would then
    # count twice. So the total is used, although it ignores reservations of other functions.
    available = total if is_deployed else int(limits["UnreservedConcurrentExecutions"])
    if reserved and available - UNRESERVED < reserved:
        reason = f"{reserved} reserved or provisioned executions and {UNRESERVED} unreserved ones exceed {available}"
        yield failed("Lambda concurrency", reason, advice, blocks=True)
    elif available - reserved < needed:
        reason = f"{available - reserved} unreserved executions, expected {needed} for streams, batches and the API"
        yield failed("Lambda concurrency", reason, advice)
    else:
        yield passed("Lambda concurrency", f"{total} executions, {needed + reserved} needed")

    free_mb = (int(limits["TotalCodeSize"]) - int(usage["TotalCodeSize"])) // _MB
    if free_mb < CODE_MB and not is_deployed:
        advice = "delete unused versions of functions and layers, or request a higher quota of Lambda's storage"
        yield failed("Lambda code storage", f"{free_mb:,} MB free, expected {CODE_MB}", advice, blocks=True)
    else:
        yield passed("Lambda code storage", f"{free_mb:,} MB free")

    memory_mb = max(function.memory_mb for function in needs.resources.functions.values())
    if memory_mb <= NEW_ACCOUNT_MEMORY_MB:
        yield passed("Lambda memory", f"{memory_mb:,} MB, which a new account has")
    else:
        yield unknown(
            "Lambda memory",
            f"{memory_mb:,} MB; a new account has {NEW_ACCOUNT_MEMORY_MB:,} MB, and AWS does not show the quota",
            f"if the deployment fails, set lake_memory_mb to {NEW_ACCOUNT_MEMORY_MB} or ask AWS Support for more",
        )


def layers(clients: Clients, needs: Needs) -> Iterator[Finding]:
    arns = list(needs.layer_arns)
    for name in needs.layer_parameters:
        if (arn := read_parameter(clients, name)) is None:
            yield failed(
                "layer",
                f"AWS has not published the parameter {name} in {needs.region}",
                "set pandas_layer_arn to the ARN of your own layer, or deploy later",
                blocks=True,
            )
        else:
            arns.append(arn)
    for arn in arns:
        try:
            clients("lambda").get_layer_version_by_arn(Arn=arn)
        except ClientError as error:
            yield failed(
                "layer", f"{arn}: {error_code(error)}", "set pandas_layer_arn to a layer that you may read", blocks=True
            )
        else:
            yield passed("layer", arn)


def training_quotas(clients: Clients, needs: Needs) -> Iterator[Finding]:
    training = needs.resources.training
    names = [f"{training.instance_type} for training job usage"]
    if training.spot:
        names.insert(0, f"{training.instance_type} for spot training job usage")
    quotas = _quotas(clients, "sagemaker", names)
    effects = {0: "the workflow trains on demand", 1: "training fails where no spot capacity is left"}
    for position, name in enumerate(names):
        check = f"SageMaker, {name}"
        if (quota := quotas.get(name.casefold())) is None:
            yield unknown(check, "Service Quotas does not list it", "check training_instance_type")
        elif quota[0] < 1:
            effect = effects[position] if training.spot else "training fails"
            advice = _QUOTA_ADVICE.format(service="sagemaker", code=quota[1]) + " --desired-value 1"
            yield failed(check, f"{quota[0]:g}, expected 1: {effect}", advice)
        else:
            yield passed(check, f"{quota[0]:g}")


def glue_capacity(clients: Clients, needs: Needs) -> Iterator[Finding]:
    training = needs.resources.training
    if not training.spark_workers:
        yield passed("Glue capacity", "Spark is not used")
        return
    needed = training.spark_workers * DPUS[training.spark_worker_type]
    name = "Max task DPUs per account"
    quota = _quotas(clients, "glue", [name]).get(name.casefold())
    if quota is None:
        yield unknown(
            "Glue capacity", f"Service Quotas does not list {name!r}", f"compare the quota with {needed} DPUs"
        )
    elif quota[0] < needed:
        advice = (
            _QUOTA_ADVICE.format(service="glue", code=quota[1]) + f" --desired-value {needed}, or less spark_workers"
        )
        yield failed("Glue capacity", f"{quota[0]:g} DPUs, expected {needed}: datasets by Spark fail", advice)
    else:
        yield passed("Glue capacity", f"{quota[0]:g} DPUs, {needed} needed")


def training_image(clients: Clients, needs: Needs) -> Iterator[Finding]:
    check, image = "training image", needs.training_image
    match = _IMAGE.fullmatch(image)
    if match is None:
        yield unknown(check, f"{image} is not an image of ECR in this partition", "check that SageMaker can pull it")
        return
    if match["region"] != needs.region:
        advice = f"set training_image to an image in {needs.region}"
        yield failed(check, f"{image} is in {match['region']}: training fails", advice)
        return
    wanted = {"imageDigest": match["digest"]} if match["digest"] else {"imageTag": match["tag"]}
    call = functools.partial(
        clients("ecr").batch_get_image, registryId=match["account"], repositoryName=match["name"], imageIds=[wanted]
    )
    answer = answer_unless(call, "RepositoryNotFoundException")
    if answer and answer["images"]:
        yield passed(check, image)
    else:
        yield failed(check, f"{image} does not exist: training fails", "set training_image to an image that exists")


def buckets(clients: Clients, needs: Needs) -> Iterator[Finding]:
    """Check that the buckets of import and batch jobs exist in the region of the deployment."""
    for bucket in needs.buckets:
        check = f"bucket {bucket}"
        try:
            answer = clients("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            code = error_code(error)
            if code in ("404", "NoSuchBucket"):
                yield failed(check, "does not exist: its jobs fail", "create it, or remove it from cdk.json")
            else:
                yield unknown(check, f"S3 answers {code}", "allow s3:ListBucket, and compare the bucket's region")
            continue
        place = answer.get("BucketRegion", needs.region)
        if place == needs.region:
            yield passed(check, f"in {place}")
        else:
            yield failed(check, f"in {place}, not in {needs.region}: its jobs fail", f"use a bucket in {needs.region}")


def key(clients: Clients, needs: Needs) -> Iterator[Finding]:
    """Check that the KMS key of the settings can encrypt, and that its policy names CloudWatch Logs."""
    if needs.key is None:
        return
    check, advice = "KMS key", "enable a symmetric key for encryption, or correct `kms_key_arn` in cdk.json"
    kms = clients("kms")
    answer = answer_unless(functools.partial(kms.describe_key, KeyId=needs.key), "NotFoundException")
    if answer is None:
        yield failed(check, f"{needs.key} does not exist", advice, blocks=True)
        return
    state, spec = answer["KeyMetadata"]["KeyState"], answer["KeyMetadata"]["KeySpec"]
    if (state, spec) != ("Enabled", "SYMMETRIC_DEFAULT"):
        found = f"{needs.key} is {state} with the specification {spec}"
        yield failed(check, f"{found}, expected Enabled with SYMMETRIC_DEFAULT", advice, blocks=True)
        return
    yield passed(check, needs.key)
    policy = kms.get_key_policy(KeyId=needs.key, PolicyName="default")["Policy"]
    if f"logs.{needs.region}." in policy or '"logs.amazonaws.com"' in policy:
        yield passed("KMS key policy", "CloudWatch Logs may use the key")
    else:
        yield failed(
            "KMS key policy",
            f"the policy of {needs.key} does not name logs.{needs.region}.amazonaws.com",
            "add the statement of docs/security.md to the policy",
            blocks=True,
        )


def api_name(clients: Clients, needs: Needs) -> Iterator[Finding]:
    """Check that the hosted zone of the API's name is public and contains the name."""
    if needs.api_name is None:
        return
    check, (domain, zone_id) = "API name", needs.api_name
    advice = "correct `api_domain` and `api_zone_id` in cdk.json"
    answer = answer_unless(functools.partial(clients("route53").get_hosted_zone, Id=zone_id), "NoSuchHostedZone")
    if answer is None:
        yield failed(check, f"the hosted zone {zone_id} does not exist", advice, blocks=True)
        return
    zone = answer["HostedZone"]
    name = zone["Name"].rstrip(".")
    if not domain.endswith(f".{name}"):
        yield failed(check, f"{domain} is not a name below {name}, the name of zone {zone_id}", advice, blocks=True)
    elif zone["Config"]["PrivateZone"]:
        yield failed(check, f"the hosted zone {zone_id} is private, expected a public zone", advice, blocks=True)
    else:
        yield passed(check, f"{domain} in the zone {name}")


def kafka(clients: Clients, needs: Needs) -> Iterator[Finding]:
    if needs.kafka is None:
        return
    if arn := needs.kafka.cluster_arn:
        state = clients("kafka").describe_cluster_v2(ClusterArn=arn)["ClusterInfo"]["State"]
        if state == "ACTIVE":
            yield passed("Kafka cluster", arn)
        else:
            yield failed("Kafka cluster", f"{arn} is {state}, expected ACTIVE", "wait for the cluster", blocks=True)
    secrets, ec2 = clients("secretsmanager"), clients("ec2")
    for kind, names, call, missing in (
        (
            "secret",
            needs.kafka.secret_arns,
            lambda arn: secrets.describe_secret(SecretId=arn),
            "ResourceNotFoundException",
        ),
        (
            "subnet",
            needs.kafka.subnet_ids,
            lambda subnet: ec2.describe_subnets(SubnetIds=[subnet]),
            "InvalidSubnetID.NotFound",
        ),
        (
            "security group",
            needs.kafka.security_group_ids,
            lambda group: ec2.describe_security_groups(GroupIds=[group]),
            "InvalidGroup.NotFound",
        ),
    ):
        for name in names:
            if answer_unless(functools.partial(call, name), missing) is not None:
                yield passed(f"Kafka {kind}", name)
            else:
                yield failed(f"Kafka {kind}", f"{name} does not exist", "correct `kafka` in cdk.json", blocks=True)


def answer_unless(call: Callable[[], Any], *missing: str) -> Any:
    """Return the response of a call, or None if AWS responds with one of the error codes `missing`."""
    try:
        return call()
    except ClientError as error:
        if error_code(error) not in missing:
            raise
        return None


def read_parameter(clients: Clients, name: str) -> str | None:
    answer = answer_unless(functools.partial(clients("ssm").get_parameter, Name=name), "ParameterNotFound")
    return answer and str(answer["Parameter"]["Value"])


def _quotas(clients: Clients, service: str, names: Sequence[str]) -> dict[str, tuple[float, str]]:
    """Return the value and the code of each quota, by its lower-case name."""
    wanted = {name.casefold() for name in names}
    pages = clients("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode=service)
    return {
        quota["QuotaName"].casefold(): (float(quota["Value"]), quota["QuotaCode"])
        for page in pages
        for quota in page["Quotas"]
        if quota["QuotaName"].casefold() in wanted
    }


def error_code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])

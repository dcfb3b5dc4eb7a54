"""Checks of the stacks of an environment, and of the manual steps after their deployment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from alsolike.declarations.parameters import ENVIRONMENT_TAG, parameter_name
from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.runtime.errors import Unavailable
from alsolike.signing.signature import NO_SIGNATURE, UNKNOWN_KEY
from operations.client.signed_api import http_session, signed
from operations.doctor.account import Clients, answer_unless, read_parameter
from operations.doctor.finding import Finding, failed, passed, unknown
from operations.doctor.requirements import Needs

Post = Callable[[AWSPreparedRequest], tuple[int, str]]

UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
_READ_RESULTS = ("OK", "No records processed")
_PARAMETERS_PER_CALL = 10
_DEPLOY = "deploy the other stacks, and repeat the command"


def deployed_stacks(clients: Clients, needs: Needs) -> dict[str, str]:
    pages = clients("cloudformation").get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: stack["StackStatus"]
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"] in needs.stacks
    }


def stacks(needs: Needs, found: Mapping[str, str]) -> Iterator[Finding]:
    if not found:
        yield passed("stacks", "none is deployed")
    for name, status in found.items():
        if status.endswith("_IN_PROGRESS"):
            yield failed("stacks", f"{name} is {status}", "wait for the end of the deployment", blocks=True)
        elif status == "UPDATE_ROLLBACK_FAILED":
            advice = f"aws cloudformation continue-update-rollback --stack-name {name}"
            yield failed("stacks", f"{name} is {status}", advice, blocks=True)
        elif status not in UPDATABLE:
            advice = f"aws cloudformation delete-stack --stack-name {name}"
            yield failed("stacks", f"{name} is {status}", advice, blocks=True)
    if found and all(status in UPDATABLE for status in found.values()):
        yield passed("stacks", f"{len(found)} of {len(needs.stacks)} are deployed, and can be updated")


def retained_names(clients: Clients, needs: Needs, found: Mapping[str, str]) -> Iterator[Finding]:
    """Report fixed names in stacks that are not deployed yet, if existing resources use these names."""
    taken = [
        (kind, stack, name)
        for (kind, stack), names in needs.names.items()
        if stack not in found
        for name in _taken(clients, kind, names)
    ]
    for kind, stack, name in taken:
        yield failed(
            "retained names",
            f"{kind} {name} exists without its stack",
            f"adopt it with `cdk import {stack}`, or delete it",
            blocks=True,
        )
    if not taken:
        yield passed("retained names", "no other resource has a name of the stacks")


def shards(clients: Clients, needs: Needs, found: Mapping[str, str]) -> Iterator[Finding]:
    stream = needs.resources.stream
    names = [name for stack in found for name in _physical_ids(clients, stack, "AWS::Kinesis::Stream")]
    if not names or stream.on_demand:
        yield passed("stream shards", "on demand" if stream.on_demand else f"{stream.shards} in a new stream")
        return
    summary = clients("kinesis").describe_stream_summary(StreamName=names[0])["StreamDescriptionSummary"]
    shards = int(summary["OpenShardCount"])
    if shards / 2 <= stream.shards <= shards * 2:
        yield passed("stream shards", f"{shards}, then {stream.shards}")
    else:
        step = shards * 2 if stream.shards > shards else -(-shards // 2)
        reason = f"{shards}, then {stream.shards}: Kinesis at most doubles or halves them"
        yield failed("stream shards", reason, f"first deploy with stream_shards {step}", blocks=True)


def kafka_mapping(clients: Clients, found: Mapping[str, str]) -> Iterator[Finding]:
    for stack in found:
        if not stack.endswith("-kafka"):
            continue
        for uuid in _physical_ids(clients, stack, "AWS::Lambda::EventSourceMapping"):
            mapping = clients("lambda").get_event_source_mapping(UUID=uuid)
            state, result = mapping["State"], mapping.get("LastProcessingResult", "none")
            if state == "Enabled" and result in _READ_RESULTS:
                yield passed("Kafka mapping", f"{state}, last result: {result}")
            else:
                reason = f"{state}, last result: {result}; events of the topic are not read"
                yield failed("Kafka mapping", reason, "docs/runbooks/kafka.md")


def alarm_mail(clients: Clients, needs: Needs) -> Iterator[Finding]:
    if not needs.email:
        yield passed("alarm mail", "alarm_email is not set")
        return
    topic = read_parameter(clients, parameter_name(needs.environment, "alerts_topic_arn"))
    if topic is None:
        yield unknown("alarm mail", "the topic of alarms is not deployed", _DEPLOY)
        return
    pages = clients("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    mails = [each for page in pages for each in page["Subscriptions"] if each["Protocol"] == "email"]
    waiting = [each["Endpoint"] for each in mails if not each["SubscriptionArn"].startswith("arn:")]
    if waiting or not mails:
        reason = f"{', '.join(waiting)} did not confirm" if waiting else "the topic has no recipient"
        yield failed(
            "alarm mail", f"{reason}: alarms reach no reader", "confirm the message of Amazon SNS, or deploy again"
        )
    else:
        yield passed("alarm mail", f"{', '.join(each['Endpoint'] for each in mails)} confirmed")


def cost_tags(clients: Clients) -> Iterator[Finding]:
    tags = clients("ce").list_cost_allocation_tags(TagKeys=[ENVIRONMENT_TAG])["CostAllocationTags"]
    if tags and tags[0]["Status"] == "Active":
        yield passed("cost allocation tag", f"{ENVIRONMENT_TAG} is active")
    else:
        yield failed(
            "cost allocation tag",
            f"{ENVIRONMENT_TAG} is {'inactive' if tags else 'unknown to the bill'}: budgets count nothing",
            "aws ce update-cost-allocation-tags-status --cost-allocation-tags-status "
            f"TagKey={ENVIRONMENT_TAG},Status=Active (a day after the first cost, in the payer account)",
        )


def signed_call(clients: Clients, needs: Needs, post: Post) -> Iterator[Finding]:
    # If the function rejects the key, API Gateway has passed the signature to the function.
    api_url = read_parameter(clients, parameter_name(needs.environment, "api_url"))
    if api_url is None:
        yield unknown(CHECK, "the API is not deployed", _DEPLOY)
        return
    yield judge(*post(probe(api_url, region=needs.region)))


def _physical_ids(clients: Clients, stack: str, resource_type: str) -> list[str]:
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == resource_type and resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def _taken(clients: Clients, kind: str, names: Sequence[str]) -> list[str]:
    if kind == "AWS::SSM::Parameter":
        parts = [names[first : first + _PARAMETERS_PER_CALL] for first in range(0, len(names), _PARAMETERS_PER_CALL)]
        answers = [clients("ssm").get_parameters(Names=list(part)) for part in parts]
        return [parameter["Name"] for answer in answers for parameter in answer["Parameters"]]
    if kind == "AWS::Logs::LogGroup":
        groups = [
            group["logGroupName"]
            for name in names
            for group in clients("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        ]
        return [name for name in names if name in groups]
    service, method, argument = {
        "AWS::Glue::Database": ("glue", "get_database", "Name"),
        "AWS::Glue::Job": ("glue", "get_job", "JobName"),
        "AWS::SageMaker::ModelPackageGroup": ("sagemaker", "describe_model_package_group", "ModelPackageGroupName"),
    }[kind]
    call = getattr(clients(service), method)
    missing = ("EntityNotFoundException", "ValidationException")
    return [name for name in names if answer_unless(functools.partial(call, **{argument: name}), *missing) is not None]


CHECK = "signed requests"


def post(request: AWSPreparedRequest) -> tuple[int, str]:
    try:
        answer = http_session(proxies=get_environ_proxies(request.url)).send(request)
    except BotoCoreError as error:
        raise Unavailable(f"{request.url}: {error}") from error
    return answer.status_code, answer.content.decode(errors="replace")


def probe(api_url: str, *, region: str) -> AWSPreparedRequest:
    """Return a request that is signed with a nonexistent key."""
    url = f"{api_url.rstrip('/')}{SIGNED_PREFIX}/recommendations"
    return signed("POST", url, b"{}", key=("ALSODOCTOR0000000000", "doctor"), region=region)


def judge(status: int, body: str) -> Finding:
    if UNKNOWN_KEY in body:
        return passed(CHECK, "the function received the header Authorization and refused the unknown key")
    if NO_SIGNATURE in body:
        return failed(
            CHECK,
            "the function received no header Authorization",
            "put CloudFront or a proxy of yours in front that sends the header, or call the API with tokens",
        )
    return unknown(
        CHECK,
        f"the API answered {status}: {body[:200]}",
        "look for the request in the access log of the API; without an entry, API Gateway refused the header",
    )
